"""PostgreSQL killed in the middle of webhooks, again and again: what was answered 200 is there, and there once."""

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
"""Events that must have been taken between one crash and the next."""
PAUSE = 0.2
"""Seconds before an event is repeated: the site's own sender is more patient, and this test less."""
STATUSES = ("N", "AP", "PD", "CO")


@dataclass
class Sent:
    """One event, and everything that was answered to it: an HTTP status, or the name of a broken connection."""

    event_id: str
    order_id: int
    answers: list[int | str] = field(default_factory=list)
    action: str = ""


class SiteSender(threading.Thread):
    """Places orders and changes each of them, one event after the other, each until it is answered 200."""

    def __init__(self, crm, number, is_over):
        super().__init__(daemon=True)
        self.crm, self.is_over = crm, is_over
        self.first_id = 1_000_000 * (number + 1)
        self.sent: list[Sent] = []
        self.final: dict[int, tuple[str, str, int]] = {}
        self.wrong: list[str] = []

    def run(self):
        order_id = self.first_id
        while not self.is_over.is_set():
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
                self._until_taken("order.create" if version == 1 else "order.update", data, order_id)
                self.final[order_id] = (status, address, version)

    def _until_taken(self, event, data, order_id):
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
            time.sleep(PAUSE)


def _taken(senders):
    return {one.event_id for sender in senders for one in list(sender.sent) if one.action}


def _wait_for_traffic(senders):
    """Until so many more events have been taken, whatever the machine's pace."""
    wanted, deadline = len(_taken(senders)) + BETWEEN_CRASHES, time.monotonic() + 30
    while len(_taken(senders)) < wanted:
        assert time.monotonic() < deadline, "the CRM takes nothing any more"
        time.sleep(0.01)


def test_what_was_answered_200_is_on_disk_and_there_once(crm):
    chance, is_over = random.Random(7), threading.Event()
    senders = [SiteSender(crm, number, is_over) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    taken_before = []
    for _crash in range(CRASHES):
        _wait_for_traffic(senders)
        time.sleep(chance.uniform(0.0, 0.4))
        # Whatever was answered by now must outlive what comes.
        taken_before.append(_taken(senders))
        crm.kill_postgresql()
        time.sleep(chance.uniform(0.0, 0.5))
        embedded_postgres.revive(crm.folder)
        kept = {event_id for (event_id,) in crm.query("SELECT payload->>'event_id' FROM bitrix_webhook_events")}
        assert taken_before[-1] <= kept
    _wait_for_traffic(senders)
    is_over.set()
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
    doubled = [one for one in events if inbox[one.event_id] > 1 or timeline[one.event_id] > 1]
    figures = {
        "events": len(events),
        "orders": sum(len(sender.final) for sender in senders),
        "crashes": CRASHES,
        "taken before the last crash": len(taken_before[-1]),
        "answers": dict(answers),
        "kept although the answer did not say so": sum(one.action == "duplicate" for one in events),
        "lost": len(lost),
        "doubled": len(doubled),
    }
    print(figures)
    assert not [wrong for sender in senders for wrong in sender.wrong], figures
    assert (lost, doubled) == ([], []), figures
    assert sum(answers.values()) - answers[200] >= CRASHES, f"too quiet to prove anything: {figures}"

    wanted = {order_id: final for sender in senders for order_id, final in sender.final.items()}
    rows = crm.query(
        "SELECT o.bitrix_order_id, s.bitrix_codes[1], o.delivery_address, o.bitrix_version, o.id, "
        "(SELECT count(*) FROM order_items i WHERE i.order_id = o.id) "
        "FROM orders o JOIN order_statuses s ON s.code = o.status"
    )
    assert len(rows) == len(wanted), figures
    assert {order_id: tuple(values) for order_id, *values, _key, _items in rows} == wanted, figures
    assert {items for *_, items in rows} == {1}
    assert crm.query("SELECT count(*) FROM users") == [(len(wanted),)]
    assert crm.query("SELECT count(*) FROM bitrix_webhook_events WHERE state <> 'processed'") == [(0,)]
