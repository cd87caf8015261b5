"""Threads that send webhooks through nginx, as the site does: orders, and two changes of each order."""

import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.deploy.machine import Machine
from tests.samples import order_data

STATUSES = ("N", "AP", "PD")
RETRY_DELAY = 0.3
"""Seconds before an event is sent again. The real site waits longer."""


@dataclass(slots=True)
class Event:
    """An event, and the responses to it: an HTTP status, or the name of a failed connection."""

    event_id: str
    phase: str
    answers: list[str] = field(default_factory=list)
    slowest: float = 0.0
    accepted_at: float | None = None
    """The time of the response 200, in Unix seconds."""


class Traffic:
    """Several senders at once, as a context manager. `phase` is the name that the next events get.

    With `repeats`, an event is sent until the response is 200. `rest` are the seconds between two events of a sender.
    """

    def __init__(self, machine: Machine, senders: int = 4, *, repeats: bool = False, rest: float = 0.0) -> None:
        self.machine, self.repeats, self.rest, self.phase = machine, repeats, rest, ""
        self.stopped = threading.Event()
        self._senders = [_Sender(self, number) for number in range(senders)]

    def __enter__(self) -> "Traffic":
        for sender in self._senders:
            sender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for sender in self._senders:
            sender.join(120)

    @property
    def events(self) -> list[Event]:
        """All events so far."""
        return [event for sender in self._senders for event in list(sender.events)]

    @property
    def answers(self) -> Counter[str]:
        """All responses so far."""
        return Counter(answer for event in self.events for answer in list(event.answers))


class _Sender(threading.Thread):
    def __init__(self, traffic: Traffic, number: int) -> None:
        super().__init__(daemon=True)
        self._traffic, self._next_id = traffic, 1_000_000 * (number + 1)
        self.events: list[Event] = []

    def run(self) -> None:
        while not self._traffic.stopped.is_set():
            self._next_id += 1
            for version, status in enumerate(STATUSES, start=1):
                number = str(self._next_id)
                data = order_data(
                    ID=number, ACCOUNT_NUMBER=number, USER_ID=number, user={"ID": number, "NAME": f"Айгерим {number}"},
                    VERSION=str(version), DATE_UPDATE=f"2025-08-24 12:00:0{version}", STATUS_ID=status,
                )  # fmt: skip
                self._send("order.create" if version == 1 else "order.update", data)
                self._traffic.stopped.wait(self._traffic.rest)

    def _send(self, name: str, data: dict[str, Any]) -> None:
        event = Event(str(uuid.uuid4()), self._traffic.phase)
        self.events.append(event)
        while not self._is_accepted(event, name, data) and self._traffic.repeats:
            time.sleep(RETRY_DELAY)

    def _is_accepted(self, event: Event, name: str, data: dict[str, Any]) -> bool:
        started = time.monotonic()
        try:
            answer = str(self._traffic.machine.post(name, data, event.event_id).status_code)
        except requests.RequestException as error:
            answer = type(error).__name__
        event.answers.append(answer)
        event.slowest = max(event.slowest, time.monotonic() - started)
        if answer == "200":
            event.accepted_at = time.time()
        return answer == "200"
