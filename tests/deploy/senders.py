"""Threads that send webhooks through nginx one after another, each event once."""

import threading
import uuid
from collections import Counter
from typing import Any

import requests

from tests.deploy.machine import Machine
from tests.samples import order_data

STATUSES = ("N", "AP", "PD")


class Sender(threading.Thread):
    """Creates orders and changes each of them twice. `answers` are the responses, or the names of failures."""

    def __init__(self, machine: Machine, number: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.machine, self.stop_event, self.next_id = machine, stop, 1_000_000 * (number + 1)
        self.answers: Counter[str] = Counter()
        self.sent: list[str] = []
        self.slowest = 0.0

    def run(self) -> None:
        """Send until the event is set."""
        while not self.stop_event.is_set():
            self.next_id += 1
            for version, status in enumerate(STATUSES, start=1):
                number = str(self.next_id)
                data = order_data(
                    ID=number, ACCOUNT_NUMBER=number, USER_ID=number, user={"ID": number, "NAME": f"Айгерим {number}"},
                    VERSION=str(version), DATE_UPDATE=f"2025-08-24 12:00:0{version}", STATUS_ID=status,
                )  # fmt: skip
                self._send("order.create" if version == 1 else "order.update", data)

    def _send(self, event: str, data: dict[str, Any]) -> None:
        event_id = str(uuid.uuid4())
        self.sent.append(event_id)
        try:
            answer = self.machine.post(event, data, event_id)
        except requests.RequestException as error:
            self.answers[type(error).__name__] += 1
        else:
            self.answers[str(answer.status_code)] += 1
            self.slowest = max(self.slowest, answer.elapsed.total_seconds())


class Traffic:
    """Several senders at once, as a context manager."""

    def __init__(self, machine: Machine, senders: int = 4) -> None:
        self._stop = threading.Event()
        self.senders = [Sender(machine, number, self._stop) for number in range(senders)]

    def __enter__(self) -> "Traffic":
        for sender in self.senders:
            sender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for sender in self.senders:
            sender.join(120)

    @property
    def answers(self) -> Counter[str]:
        """All answers so far."""
        return sum((sender.answers for sender in self.senders), Counter())

    @property
    def sent(self) -> list[str]:
        """The ids of all events so far."""
        return [event_id for sender in self.senders for event_id in sender.sent]

    @property
    def slowest(self) -> float:
        """The seconds of the slowest answer."""
        return max(sender.slowest for sender in self.senders)
