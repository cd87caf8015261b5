"""The sender of webhooks. It delivers one event after the other, and repeats each event until the CRM accepts it.

It behaves like the site's own sender, which stores its queue in a table: an event is deleted only after the CRM has
answered with HTTP status 200 and `"status": "success"`.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal

import requests

from .faults import Faults
from .site import Event, Site
from .storage import MemoryStorage, Storage

logger = logging.getLogger(__name__)

TIMEOUT = 15.0
RETRY_DELAYS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
# The number of latest events and attempts that are stored for assertions: a long run must not fill the memory.
REMEMBERED = 5000


@dataclass(frozen=True)
class Attempt:
    """One attempt to deliver an event. `outcome` is "success" or a short error message without secrets."""

    event_id: str
    event: str
    code: int | None
    outcome: str

    @property
    def delivered(self) -> bool:
        """Whether the CRM accepted the event."""
        return self.outcome == "success"


class Sender:
    """The sender of a site's events to `url`. If there is no URL, the events are only stored in `events`.

    `attempts` lists the latest attempts. `retry_delays` are the seconds between attempts; the last delay is repeated.
    After `max_tries` attempts the sender gives up and loses the event. The live site's sender gives up after three
    attempts.
    """

    def __init__(
        self,
        site: Site,
        url: str | None,
        token: str,
        *,
        auth_in: Literal["header", "body"] = "header",
        storage: Storage | None = None,
        retry_delays: tuple[float, ...] = RETRY_DELAYS,
        timeout: float = TIMEOUT,
        max_tries: int | None = None,
    ) -> None:
        """Load the events of `storage` and subscribe to `site`; nothing is sent before `start`."""
        self.events: list[Event] = []
        self.attempts: list[Attempt] = []
        self.faults = Faults()
        self._url = url
        self._token = token
        self._auth_in = auth_in
        self._storage = storage or MemoryStorage()
        self._retry_delays = retry_delays
        self._timeout = timeout
        self._max_tries = max_tries
        self._changed = threading.Condition()
        self._stopping = False
        self._flushing = 0
        self._queue: list[Event] = [Event(**document) for document in self._storage.load("event")]
        self._thread = threading.Thread(target=self._run, name="sandbox-sender", daemon=True)
        self._http = requests.Session()
        # A .netrc entry would replace the Authorization header, and a proxy variable would send the token to another
        # host.
        self._http.trust_env = False
        site.subscribe(self._take)

    def start(self) -> None:
        """Start to deliver events. If there is no URL, delete the events that are left from an earlier run."""
        if self._url is None:
            self._storage.write(deletes=[("event", str(event.number)) for event in self._queue])
            self._queue.clear()
            return
        self._thread.start()

    def stop(self) -> None:
        """Stop delivering, and return within a second. Undelivered events remain in the storage."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)
        self._http.close()

    def waiting(self) -> int | None:
        """Return the number of pending events, or None if the sandbox sends no events."""
        with self._changed:
            return None if self._url is None else len(self._queue)

    def pending_deletion(self, xml_id: str) -> int:
        """Return the id of the deleted order with this XML_ID, or 0 if no webhook of such a deletion is pending."""
        with self._changed:
            gone = [event for event in self._queue if event.name == "order.delete" and event.data["XML_ID"] == xml_id]
        return int(gone[-1].data["ID"]) if gone else 0

    def flush(self, timeout: float = 5.0) -> None:
        """Wait until all queued events are delivered.

        Raise `TimeoutError` with the last failure if this takes more than `timeout` seconds.
        """
        with self._changed:
            self._flushing += 1
            self._changed.notify_all()
            try:
                if not self._changed.wait_for(lambda: not self._queue, timeout):
                    last = self.attempts[-1].outcome if self.attempts else "no attempt was made"
                    raise TimeoutError(f"{len(self._queue)} webhooks not delivered in {timeout} s; last: {last}")
            finally:
                self._flushing -= 1

    # Internal

    def _take(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            del self.events[:-REMEMBERED]
            if self._url is not None:
                self._queue.append(event)
                self._changed.notify_all()
        if self._url is None:
            self._storage.write(deletes=[("event", str(event.number))])

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._stopping)
                if self._stopping:
                    return
                event = self._queue[0]
            fault = self.faults.take(event.name)
            kind = fault.kind if fault else ""
            if kind == "reordered":
                event = self._next_event(event)
            elif fault and kind == "delayed":
                self._wait(fault.seconds)
            done = kind == "dropped" or all(self._deliver(event) for _ in range(2 if kind == "doubled" else 1))
            if not done:
                # The sender was stopped. The event remains in the storage for the next run.
                return
            with self._changed:
                self._storage.write(deletes=[("event", str(event.number))])
                self._queue.remove(event)
                self._changed.notify_all()

    def _next_event(self, event: Event) -> Event:
        """Wait for a next event and return it before `event`.

        Return `event` itself if a flush waits or the sender stops before there is a next event.
        """
        with self._changed:
            self._changed.wait_for(lambda: len(self._queue) > 1 or self._flushing or self._stopping)
            if len(self._queue) > 1:
                self._queue[0], self._queue[1] = self._queue[1], self._queue[0]
            return self._queue[0]

    def _deliver(self, event: Event) -> bool:
        """Post the event until it is accepted or given up. Return False if the sender was stopped first."""
        tries = 0
        while not self._stopping:
            attempt = self._post(event)
            with self._changed:
                self.attempts.append(attempt)
                del self.attempts[:-REMEMBERED]
            order_id, version = event.data.get("ID"), event.data.get("VERSION", "-")
            logger.info("webhook %s %s v%s: %s", event.name, order_id, version, attempt.outcome)
            tries += 1
            if attempt.delivered or tries == self._max_tries:
                return True
            self._wait(self._retry_delays[min(tries, len(self._retry_delays)) - 1])
        return False

    def _post(self, event: Event) -> Attempt:
        body: dict[str, Any] = {"event": event.name, "event_id": event.event_id, "data": event.data}
        headers = {}
        if self._auth_in == "header":
            headers["Authorization"] = f"Bearer {self._token}"
        else:
            body["token"] = self._token
        code = None
        try:
            answer = self._http.post(
                self._url or "", json=body, headers=headers, timeout=self._timeout, allow_redirects=False
            )
            code = answer.status_code
            outcome = _outcome(answer)
        except requests.RequestException as error:
            # Only the type is used: the message would contain the URL.
            outcome = type(error).__name__
        return Attempt(event.event_id, event.name, code, outcome)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._changed:
            # New events also notify the condition, so check the time.
            self._changed.wait_for(lambda: self._stopping or time.monotonic() >= end, seconds)


def _outcome(answer: requests.Response) -> str:
    if answer.is_redirect:
        return f"redirected ({answer.status_code})"
    if answer.status_code != 200:
        return f"HTTP {answer.status_code}"
    try:
        status = answer.json().get("status")
    except (ValueError, AttributeError):
        return "HTTP 200 without JSON"
    return "success" if status == "success" else "HTTP 200 without success"
