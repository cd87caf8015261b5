"""The faults that tests inject into the next answers and the next webhooks.

For example, a test contains:

    sandbox.faults.give(slow(0.3), times=2, action="order.status")
    sandbox.sender.faults.give(doubled(), action="order.update")
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

# An answer that is neither JSON nor a valid UTF-8 string.
GARBAGE = b"\x00\xff\xfe{'success': tru"

MAINTENANCE_PAGE = "<!DOCTYPE html>\n<html><body><h1>Сайт на обслуживании</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """A failure to inject. `kind` is its name; each kind uses only some of the other fields.

    `seconds` is a duration and `code` is an HTTP status. `retry_after` and `location` are values of headers. `body` is
    the body of the answer, and `content_type` is its declared type.
    """

    kind: str
    seconds: float = 0.0
    code: int = 200
    retry_after: int | str | None = None
    body: str | bytes = ""
    content_type: str = "application/json"
    location: str = ""


def slow(seconds: float) -> Fault:
    """Return a fault that waits `seconds`, does the work and then answers."""
    return Fault("slow", seconds=seconds)


def silent() -> Fault:
    """Return a fault that reads the request, does nothing and never answers.

    The fault ends when the client disconnects or the sandbox stops.
    """
    return Fault("silent")


def status(code: int, retry_after: int | str | None = None, body: str | None = None) -> Fault:
    """Return a fault that does nothing and answers with this HTTP status.

    The body of the answer is an error in the bridge's format unless `body` is given.
    """
    text = '{"success": false, "error": {"code": "injected", "message": "injected fault", "step": "fault"}}'
    return Fault("answer", code=code, retry_after=retry_after, body=text if body is None else body)


def html(code: int = 200, body: str = MAINTENANCE_PAGE) -> Fault:
    """Return a fault that does nothing and answers with an HTML page."""
    return Fault("answer", code=code, body=body, content_type="text/html; charset=utf-8")


def redirect(location: str = "/auth/", code: int = 302) -> Fault:
    """Return a fault that does nothing and redirects the client."""
    return Fault("answer", code=code, location=location, content_type="text/html; charset=utf-8")


def success_false_200(error: str = "Не удалось сохранить заказ") -> Fault:
    """Return a fault that does nothing and answers with HTTP status 200 and a message, like the live endpoint."""
    quoted = error.replace("\\", "\\\\").replace('"', '\\"')
    return Fault("answer", body=f'{{"success": false, "error": "{quoted}"}}')


def answer_lost() -> Fault:
    """Return a fault that does the work, then closes the connection without an answer."""
    return Fault("answer_lost")


def garbage() -> Fault:
    """Return a fault that does nothing and answers with HTTP status 200 and bytes that are not JSON."""
    return Fault("answer", body=GARBAGE)


def dropped() -> Fault:
    """Return a fault that drops a webhook as if it were delivered."""
    return Fault("dropped")


def doubled() -> Fault:
    """Return a fault that delivers a webhook twice."""
    return Fault("doubled")


def delayed(seconds: float) -> Fault:
    """Return a fault that delivers a webhook `seconds` later. The next webhooks are also delayed."""
    return Fault("delayed", seconds=seconds)


def reordered() -> Fault:
    """Return a fault that delivers a webhook after the next webhook.

    The first webhook waits for a next webhook or for a flush.
    """
    return Fault("reordered")


class Faults:
    """A queue of faults, first in, first out. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, str | None]] = []

    def give(self, fault: Fault, *, times: int = 1, action: str | None = None) -> None:
        """Queue `fault` for the next `times` requests.

        If `action` is given, only requests of this action, REST method or event name are affected.
        """
        with self._lock:
            self._waiting.extend([(fault, action)] * times)

    def take(self, action: str) -> Fault | None:
        """Remove the first fault for a request of `action` from the queue and return it, or return None."""
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
