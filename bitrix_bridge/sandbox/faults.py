"""Faults that tests inject: what goes wrong with the next answers, and with the next webhooks.

sandbox.faults.give(slow(0.3), times=2, action="order.status")
sandbox.sender.faults.give(doubled(), action="order.update")
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

# An answer that is no JSON, and not even text.
GARBAGE = b"\x00\xff\xfe{'success': tru"

MAINTENANCE_PAGE = "<!DOCTYPE html>\n<html><body><h1>Сайт на обслуживании</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. `kind` names it; the other fields belong to the kinds that need them.

    `seconds` is a duration, `code` an HTTP status, `retry_after` the header's value, `body` the answer's text,
    `content_type` what the answer claims to be.
    """

    kind: str
    seconds: float = 0.0
    code: int = 200
    retry_after: int | str | None = None
    body: str | bytes = ""
    content_type: str = "application/json"
    location: str = ""


def slow(seconds: float) -> Fault:
    """Do the work after waiting `seconds`, then answer."""
    return Fault("slow", seconds=seconds)


def silent() -> Fault:
    """Take the request, do nothing, never answer; ends when the caller hangs up or the stand-in stops."""
    return Fault("silent")


def status(code: int, retry_after: int | str | None = None, body: str | None = None) -> Fault:
    """Do nothing and answer with this HTTP status, with the bridge's error shape unless `body` is given."""
    text = '{"success": false, "error": {"code": "injected", "message": "injected fault", "step": "fault"}}'
    return Fault("answer", code=code, retry_after=retry_after, body=text if body is None else body)


def html(code: int = 200, body: str = MAINTENANCE_PAGE) -> Fault:
    """Do nothing and answer with a page."""
    return Fault("answer", code=code, body=body, content_type="text/html; charset=utf-8")


def redirect(location: str = "/auth/", code: int = 302) -> Fault:
    """Do nothing and send the caller elsewhere."""
    return Fault("answer", code=code, location=location, content_type="text/html; charset=utf-8")


def success_false_200(error: str = "Не удалось сохранить заказ") -> Fault:
    """Do nothing and refuse the way the live endpoint does: HTTP 200 and a text."""
    quoted = error.replace("\\", "\\\\").replace('"', '\\"')
    return Fault("answer", body=f'{{"success": false, "error": "{quoted}"}}')


def answer_lost() -> Fault:
    """Do the work, then drop the connection without an answer."""
    return Fault("answer_lost")


def garbage() -> Fault:
    """Do nothing and answer 200 with bytes that are no JSON."""
    return Fault("answer", body=GARBAGE)


def dropped() -> Fault:
    """Lose a webhook as if it had been delivered."""
    return Fault("dropped")


def doubled() -> Fault:
    """Deliver a webhook twice."""
    return Fault("doubled")


def delayed(seconds: float) -> Fault:
    """Deliver a webhook `seconds` later, and those behind it after it."""
    return Fault("delayed", seconds=seconds)


def reordered() -> Fault:
    """Deliver a webhook after the one behind it; it waits for one, or for a flush."""
    return Fault("reordered")


class Faults:
    """Faults waiting to happen, first given first used. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, str | None]] = []

    def give(self, fault: Fault, *, times: int = 1, action: str | None = None) -> None:
        """Let `fault` happen to the next `times` requests, or only to those of `action` (method, event name)."""
        with self._lock:
            self._waiting.extend([(fault, action)] * times)

    def take(self, action: str) -> Fault | None:
        """The fault for a request of `action`, used up by this call."""
        with self._lock:
            for position, (fault, wanted) in enumerate(self._waiting):
                if wanted in (None, action):
                    del self._waiting[position]
                    return fault
        return None

    def clear(self) -> None:
        """Forget all that has not happened yet."""
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> int:
        """How many have not happened yet."""
        with self._lock:
            return len(self._waiting)
