"""Faults that tests inject into the next answers and the next webhooks.

sandbox.faults.give(slow(0.3), times=2, action="order.status")
sandbox.sender.faults.give(doubled(), action="order.update")
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

# An answer that is neither JSON nor text.
GARBAGE = b"\x00\xff\xfe{'success': tru"

MAINTENANCE_PAGE = "<!DOCTYPE html>\n<html><body><h1>Сайт на обслуживании</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """A failure to inject. `kind` names it; the other fields belong to the kinds that need them.

    `seconds` is a duration, `code` an HTTP status, `retry_after` the header's value, `body` the text of the answer,
    `content_type` its declared type.
    """

    kind: str
    seconds: float = 0.0
    code: int = 200
    retry_after: int | str | None = None
    body: str | bytes = ""
    content_type: str = "application/json"
    location: str = ""


def slow(seconds: float) -> Fault:
    """Wait `seconds`, do the work, then answer."""
    return Fault("slow", seconds=seconds)


def silent() -> Fault:
    """Read the request, do nothing and never answer; ends when the caller disconnects or the sandbox stops."""
    return Fault("silent")


def status(code: int, retry_after: int | str | None = None, body: str | None = None) -> Fault:
    """Do nothing and answer with this HTTP status, in the bridge's error shape unless `body` is given."""
    text = '{"success": false, "error": {"code": "injected", "message": "injected fault", "step": "fault"}}'
    return Fault("answer", code=code, retry_after=retry_after, body=text if body is None else body)


def html(code: int = 200, body: str = MAINTENANCE_PAGE) -> Fault:
    """Do nothing and answer with an HTML page."""
    return Fault("answer", code=code, body=body, content_type="text/html; charset=utf-8")


def redirect(location: str = "/auth/", code: int = 302) -> Fault:
    """Do nothing and redirect the caller."""
    return Fault("answer", code=code, location=location, content_type="text/html; charset=utf-8")


def success_false_200(error: str = "Не удалось сохранить заказ") -> Fault:
    """Do nothing and refuse as the live endpoint does: HTTP 200 and a text."""
    quoted = error.replace("\\", "\\\\").replace('"', '\\"')
    return Fault("answer", body=f'{{"success": false, "error": "{quoted}"}}')


def answer_lost() -> Fault:
    """Do the work, then drop the connection without an answer."""
    return Fault("answer_lost")


def garbage() -> Fault:
    """Do nothing and answer 200 with bytes that are not JSON."""
    return Fault("answer", body=GARBAGE)


def dropped() -> Fault:
    """Drop a webhook and treat it as delivered."""
    return Fault("dropped")


def doubled() -> Fault:
    """Deliver a webhook twice."""
    return Fault("doubled")


def delayed(seconds: float) -> Fault:
    """Deliver a webhook `seconds` later, and the following ones after it."""
    return Fault("delayed", seconds=seconds)


def reordered() -> Fault:
    """Deliver a webhook after the next one; it waits for a next one, or for a flush."""
    return Fault("reordered")


class Faults:
    """A queue of faults, first in, first out. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, str | None]] = []

    def give(self, fault: Fault, *, times: int = 1, action: str | None = None) -> None:
        """Queue `fault` for the next `times` requests, or only for those of `action` (method, event name)."""
        with self._lock:
            self._waiting.extend([(fault, action)] * times)

    def take(self, action: str) -> Fault | None:
        """Remove the fault for a request of `action` from the queue and return it."""
        with self._lock:
            for position, (fault, wanted) in enumerate(self._waiting):
                if wanted in (None, action):
                    del self._waiting[position]
                    return fault
        return None

    def clear(self) -> None:
        """Remove all queued faults."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> int:
        """Return the number of queued faults."""
        with self._lock:
            return len(self._waiting)
