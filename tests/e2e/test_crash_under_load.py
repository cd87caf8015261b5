"""Test that every event with the response 200 is stored exactly once, although PostgreSQL is killed several times."""

import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

import pytest
import requests

from cvety_crm.dev import embedded_postgres
from tests.samples import order_data

pytestmark = [pytest.mark.timeout(180)]

SENDERS = 6
CRASHES = 5
BETWEEN_CRASHES = 40
"""The number of events that must be accepted between two crashes."""
RETRY_DELAY = 0.2
"""The seconds before an event is sent again. The real site waits longer."""
STATUSES = ("N", "AP", "PD", "CO")


@dataclass
class Sent:
    """An event and all responses to it. A response is an HTTP status or the name of a connection error."""

    event_id: str
    order_id: int
    answers: list[int | str] = field(default_factory=list)
    action: str = ""


class SiteSender(threading.Thread):
    """A thread that creates and changes orders. It sends each event again until the response is 200."""

    def __init__(self, crm, number, stop_event):
        super().__init__(daemon=True)
        self.crm, self.stop_event = crm, stop_event
        self.first_id = 1_000_000 * (number + 1)
        self.sent: list[Sent] = []
        self.final: dict[int, tuple[str, str, int]] = {}
        self.wrong: list[str] = []

    def run(self):
        order_id = self.first_id
        while not self.stop_event.is_set():
            order_id += 1
            for version, status in enumerate(STATUSES, start=1):
                address = f"ул. Абая {order_id}, кв {version}"
                data = order_data(
                    ID=str(order_id),
                    ACCOUNT_NUMBER=str(order_id),
                    USER_ID=str(order_id),
                    user={"ID": str(order_id), "NAME": f"Айгерим {order_id}"},
                    VERSION=str(version),
                    DATE_UPDATE=f"2025-08-24 12:00:0{version}",
                    STATUS_ID=status,
                    properties={"addressRecipient": address, "phone": f"+7701{order_id:07}"},
                )
                self._send_until_accepted("order.create" if version == 1 else "order.update", data, order_id)
                self.final[order_id] = (status, address, version)

    def _send_until_accepted(self, event, data, order_id):
        sent = Sent(str(uuid.uuid4()), order_id)
        self.sent.append(sent)
        while True:
            try:
                answer = self.crm.post(event, data, sent.event_id)
            except requests.RequestException as error:
                sent.answers.append(type(error).__name__)
            else:
                sent.answers.append(answer.status_code)
                if answer.status_code == 200:
                    sent.action = answer.json()["action"]
                    return
                if answer.status_code != 503 or not int(answer.headers.get("Retry-After", 0)):
                    self.wrong.append(f"{answer.status_code} {answer.headers} {answer.text[:500]}")
            time.sleep(RETRY_DELAY)


def _accepted(senders):
    return {one.event_id for sender in senders for one in list(sender.sent) if one.action}


def _wait_for_traffic(senders):
    """Wait until `BETWEEN_CRASHES` more events have been accepted."""
    expected, deadline = len(_accepted(senders)) + BETWEEN_CRASHES, time.monotonic() + 30
    while len(_accepted(senders)) < expected:
        assert time.monotonic() < deadline, "the CRM does not accept events any more"
        time.sleep(0.01)


def test_events_answered_with_200_are_stored_once_after_crashes(crm):
    rng, stop_event = random.Random(7), threading.Event()
    senders = [SiteSender(crm, number, stop_event) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    accepted_before = []
    for _crash in range(CRASHES):
        _wait_for_traffic(senders)
        time.sleep(rng.uniform(0.0, 0.4))
        # The events that were accepted before the crash must still be stored after the crash.
        accepted_before.append(_accepted(senders))
        crm.kill_postgresql()
        time.sleep(rng.uniform(0.0, 0.5))
        embedded_postgres.revive(crm.folder)
        stored = {event_id for (event_id,) in crm.query("SELECT payload->>'event_id' FROM bitrix_webhook_events")}
        assert accepted_before[-1] <= stored
    _wait_for_traffic(senders)
    stop_event.set()
    for sender in senders:
        sender.join(30)
        assert not sender.is_alive()

    events = [one for sender in senders for one in sender.sent]
    answers = Counter(answer for one in events for answer in one.answers)
    inbox = Counter(
        event_id
        for (event_id,) in crm.query(
            "SELECT payload->>'event_id' FROM bitrix_webhook_events WHERE action <> 'duplicate'"
        )
    )
    timeline = Counter(
        event_id
        for (event_id,) in crm.query(
            "SELECT payload->>'event_id' FROM bitrix_webhook_events e JOIN order_events t ON t.webhook_event_id = e.id"
        )
    )
    lost = [one for one in events if not inbox[one.event_id] or not timeline[one.event_id]]
    duplicates = [one for one in events if inbox[one.event_id] > 1 or timeline[one.event_id] > 1]
    results = {
        "events": len(events),
        "orders": sum(len(sender.final) for sender in senders),
        "crashes": CRASHES,
        "accepted before the last crash": len(accepted_before[-1]),
        "answers": dict(answers),
        "stored although the response was lost": sum(one.action == "duplicate" for one in events),
        "lost": len(lost),
        "duplicates": len(duplicates),
    }
    print(results)
    assert not [wrong for sender in senders for wrong in sender.wrong], results
    assert (lost, duplicates) == ([], []), results
    assert sum(answers.values()) - answers[200] >= CRASHES, f"too few failed requests to prove anything: {results}"

    expected = {order_id: final for sender in senders for order_id, final in sender.final.items()}
    rows = crm.query(
        "SELECT o.bitrix_order_id, s.bitrix_codes[1], o.delivery_address, o.bitrix_version, o.id, "
        "(SELECT count(*) FROM order_items i WHERE i.order_id = o.id) "
        "FROM orders o JOIN order_statuses s ON s.code = o.status"
    )
    assert len(rows) == len(expected), results
    assert {order_id: tuple(values) for order_id, *values, _key, _items in rows} == expected, results
    assert {items for *_, items in rows} == {1}
    assert crm.query("SELECT count(*) FROM users") == [(len(expected),)]
    assert crm.query("SELECT count(*) FROM bitrix_webhook_events WHERE state <> 'processed'") == [(0,)]
