"""Tests of the inbox: it stores events and processes them again.

They include many events at once and unusual input.
"""

import json
import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitrix_bridge.inbound import event_handlers, inbox
from bitrix_bridge.models import WebhookEvent
from cvety_crm.outbox import WAITS
from orders.models import Customer, Order, OrderEvent, Product
from orders.services.locking import lock_order
from tests.fixtures import WEBHOOK_TOKEN
from tests.samples import next_version, order_data

HEADERS = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}


class BrokenError(Exception):
    pass


@pytest.fixture
def broken(monkeypatch):
    """Make the processing of events fail until the patch is undone."""

    def fail(*_arguments, **_named):
        raise BrokenError("the service is broken: made-up-webhook-token")

    monkeypatch.setattr(event_handlers.services, "apply_snapshots", fail)
    return monkeypatch


@pytest.mark.django_db(transaction=True)
class TestFailed:
    """An event whose processing raises an error is stored and processed again."""

    def test_failed_event_is_stored_and_sender_gets_success(self, broken, post_webhook):
        response = post_webhook("order.create", order_data())
        row = WebhookEvent.objects.get()
        assert (response.status_code, response.json()) == (
            200,
            {"status": "success", "action": "stored", "event_id": str(row.pk)},
        )
        assert (row.state, row.action, row.attempts, row.order) == ("waiting", "stored", 1, None)
        assert row.error.startswith("BrokenError: the service is broken")
        assert "Traceback" in row.traceback
        assert WEBHOOK_TOKEN not in row.error + row.traceback
        assert not Order.objects.exists()
        wait = row.retry_at - row.created_at
        assert timedelta(seconds=25) < wait < timedelta(seconds=35)

    def test_schedule_processes_failed_event_again_when_due(self, broken, post_webhook):
        post_webhook("order.create", order_data())
        assert inbox.retry_due() == 0
        WebhookEvent.objects.update(retry_at=timezone.now())
        broken.undo()
        assert inbox.retry_due() == 1
        row = WebhookEvent.objects.get()
        assert (row.state, row.action, row.attempts, row.error, row.traceback) == ("processed", "created", 2, "", "")
        assert row.order == Order.objects.get()
        assert Order.objects.get().events.get().webhook_event_id == row.pk
        assert inbox.retry_due() == 0

    def test_event_fails_after_last_retry_and_can_be_processed_again(self, broken, post_webhook):
        post_webhook("order.create", order_data())
        for _ in WAITS:
            assert WebhookEvent.objects.get().state == "waiting"
            WebhookEvent.objects.update(retry_at=timezone.now())
            assert inbox.retry_due() == 1
        row = WebhookEvent.objects.get()
        assert (row.state, row.attempts, row.retry_at) == ("failed", len(WAITS) + 1, None)
        broken.undo()
        assert inbox.reprocess(row.pk).action == "created"

    def test_failed_event_is_outdated_after_a_newer_event(self, broken, post_webhook):
        post_webhook("order.create", order_data())
        broken.undo()
        post_webhook("order.update", next_version(order_data(), COMMENTS="новее"))
        failed = WebhookEvent.objects.get(state="waiting")
        assert inbox.reprocess(failed.pk).action == "stale"
        assert Order.objects.get().courier_comment == "новее"

    def test_repetition_of_failed_event_is_a_duplicate(self, broken, post_webhook):
        post_webhook("order.create", order_data())
        broken.undo()
        # The repeated event is not processed: the stored event has the same fingerprint and will be processed again.
        assert post_webhook("order.create", order_data()).json()["action"] == "duplicate"

    def test_duplicate_that_fails_is_stored_too(self, broken, post_webhook):
        post_webhook("order.create", order_data())
        assert post_webhook("order.create", order_data()).json()["action"] == "stored"
        assert WebhookEvent.objects.count() == 2


@pytest.mark.django_db
class TestWithoutAnyClock:
    """Events without a time are sorted by the time at which they were received."""

    def test_older_status_is_not_applied_when_processed_again(self, post_webhook):
        post_webhook("order.create", order_data())
        first = post_webhook("order.status.change", {"ID": 122183, "STATUS_ID": "AP"}).json()
        post_webhook("order.status.change", {"ID": 122183, "STATUS_ID": "PD"})
        row = inbox.reprocess(first["event_id"])
        assert (row.action, row.order) == ("stale", Order.objects.get())
        assert Order.objects.get().status_id == "delivering"

    def test_newest_status_is_applied_when_processed_again(self, post_webhook, broken):
        failed = post_webhook("order.status.change", {"ID": 122183, "STATUS_ID": "PD"}).json()
        broken.undo()
        assert inbox.reprocess(failed["event_id"]).action == "created"

    def test_whole_order_is_outdated_after_a_later_whole_order(self, post_webhook, broken):
        data = order_data(VERSION=..., DATE_UPDATE=...)
        failed = post_webhook("order.update", data).json()
        broken.undo()
        post_webhook("order.update", {**data, "COMMENTS": "новее"})
        assert inbox.reprocess(failed["event_id"]).action == "stale"
        assert Order.objects.get().courier_comment == "новее"

    def test_later_status_event_makes_only_the_status_outdated(self, post_webhook, broken):
        failed = post_webhook("order.update", order_data(VERSION=..., DATE_UPDATE=...)).json()
        broken.undo()
        post_webhook("order.status.change", {"ID": 122183, "STATUS_ID": "PD"})
        inbox.reprocess(failed["event_id"])
        order = Order.objects.get()
        assert (order.status_id, order.recipient_name, order.is_stub) == ("delivering", "Мария", False)


@pytest.mark.django_db
def test_processing_an_event_again_changes_nothing(post_webhook):
    post_webhook("order.create", order_data())
    row = WebhookEvent.objects.get()
    assert inbox.reprocess(row.pk).action == "unchanged"
    assert OrderEvent.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "user",
    [
        {"ID": "1079", "PASSWORD": "made-up-hash", "checkword": "made-up-hash"},
        [{"ID": "1079", "StoredHash": "made-up-hash"}],
        {"0": {"1": {"confirm_password": "made-up-hash", "CONFIRM_CODE": "made-up-hash"}}},
    ],
    ids=["columns", "a list", "nested"],
)
def test_passwords_and_hashes_are_not_stored(post_webhook, user):
    assert post_webhook("order.create", order_data(user=user)).json()["action"] == "created"
    event, order = WebhookEvent.objects.get(), Order.objects.get()
    kept = [event.payload, event.problems, order.metadata, [entry.details for entry in order.events.all()]]
    assert "made-up-hash" not in json.dumps([*kept, order.customer.preferences])


def _at_once(bodies):
    """Post all bodies at the same time, each from its own thread and connection, and return the responses."""
    barrier = threading.Barrier(len(bodies))
    answers = []

    def post(body):
        try:
            barrier.wait()
            response = Client().post(
                "/webhooks/bitrix/order", json.dumps(body), content_type="application/json", headers=HEADERS
            )
            answers.append((response.status_code, response.json().get("action")))
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=[body]) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_same_webhook_20_times_at_once_creates_one_order():
    answers = _at_once([{"event": "order.create", "data": order_data()}] * 20)
    assert Counter(answers) == {(200, "created"): 1, (200, "duplicate"): 19}
    assert (Order.objects.count(), Customer.objects.count(), Product.objects.count()) == (1, 1, 1)
    assert (OrderEvent.objects.count(), WebhookEvent.objects.count()) == (1, 20)


@pytest.mark.django_db(transaction=True)
def test_20_webhooks_without_dates_at_once_create_one_order():
    data = order_data(VERSION=..., DATE_UPDATE=...)
    answers = _at_once([{"event": "order.update", "data": data}] * 20)
    assert Counter(answers) == {(200, "created"): 1, (200, "unchanged"): 19}
    assert Order.objects.get().items.count() == 1


@pytest.mark.django_db(transaction=True)
def test_newest_of_20_versions_sent_at_once_is_stored():
    versions = [order_data()]
    for number in range(19):
        versions.append(next_version(versions[-1], COMMENTS=f"правка {number}"))
    answers = _at_once([{"event": "order.update", "data": data} for data in versions])
    assert {status for status, _action in answers} == {200}
    order = Order.objects.get()
    assert (order.bitrix_version, order.courier_comment) == (20, "правка 18")


@pytest.mark.django_db(transaction=True)
def test_20_orders_at_once_create_one_customer_and_one_product():
    bodies = [{"event": "order.create", "data": order_data(ID=n, ACCOUNT_NUMBER=str(n))} for n in range(1, 21)]
    assert Counter(_at_once(bodies)) == {(200, "created"): 20}
    assert (Order.objects.count(), Customer.objects.count(), Product.objects.count()) == (20, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_20_orders_of_one_account_with_two_phones_at_once_create_one_customer():
    bodies = [
        {
            "event": "order.create",
            "data": order_data(ID=n, ACCOUNT_NUMBER=str(n), properties={"phone": f"+7 701 555 000{n % 2}"}),
        }
        for n in range(1, 21)
    ]
    assert Counter(_at_once(bodies)) == {(200, "created"): 20}
    assert Customer.objects.filter(bitrix_user_id=1079).count() == 1
    assert Order.objects.count() == 20


@pytest.mark.django_db(transaction=True)
def test_create_event_of_an_order_that_another_transaction_has_locked_waits_for_it(post_webhook):
    data = order_data()
    post_webhook("order.create", data)
    locked = threading.Event()

    def staff():
        try:
            with transaction.atomic():
                order = lock_order(Order.objects.get().pk)
                locked.set()
                time.sleep(0.3)
                order.comment = "важно"
                order.save(update_fields=["comment"])
        finally:
            connection.close()

    thread = threading.Thread(target=staff)
    thread.start()
    assert locked.wait(60)
    answer = post_webhook("order.create", next_version(data, COMMENTS="домофон 7"))
    thread.join()
    order = Order.objects.get()
    assert (answer.json()["action"], order.comment, order.courier_comment) == ("updated", "важно", "домофон 7")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["Y", "18", "0000-00-00", "\0"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = sorted({*order_data(), "XML_ID", "DATE_STATUS", "RESPONSIBLE_ID", "webhook_timestamp"} - {"ID"})


@pytest.mark.slow
@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(changes=st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), json_values, max_size=6))
def test_unusual_order_data_never_raises_or_loses_the_event(client, changes):
    changes.pop("ID", None), changes.pop("id", None), changes.pop("Id", None), changes.pop("iD", None)
    body = json.dumps({"event": "order.update", "data": {**order_data(), **changes}}, allow_nan=True)
    before = WebhookEvent.objects.count()
    response = client.post("/webhooks/bitrix/order", body, content_type="application/json", headers=HEADERS)
    if "NaN" in body or "Infinity" in body:
        assert response.status_code in (200, 400)
        return
    assert response.status_code == 200, response.content
    assert response.json()["action"] != "stored", WebhookEvent.objects.first().traceback
    assert WebhookEvent.objects.count() == before + 1


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(
    event=st.sampled_from(sorted(event_handlers.HANDLERS)) | st.text(max_size=10), data=json_values, body=json_values
)
def test_any_json_gets_a_documented_response(client, event, data, body):
    for content in ({"event": event, "data": data}, {"event": event, "data": {"ID": 5, "x": data}}, body):
        text = json.dumps(content)
        response = client.post("/webhooks/bitrix/order", text, content_type="application/json", headers=HEADERS)
        assert response.status_code in (200, 400), response.content
        if response.status_code == 200:
            row = WebhookEvent.objects.get(pk=response.json()["event_id"])
            assert row.action != "stored", row.traceback
