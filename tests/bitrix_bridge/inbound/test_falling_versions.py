"""Tests of a version that becomes lower, and of two saves with the same version.

Bitrix writes the loaded VERSION plus one, so overlapping saves may lower the version or write the same
version twice.
"""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from bitrix_bridge import refetch
from bitrix_bridge.inbound import inbox, status_check
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads import read_order
from bitrix_bridge.sandbox import faults
from bitrix_bridge.site_client.bridge_client import BridgeClient
from cvety_crm.outbox import WAITS, deliver_due
from orders import services
from orders.models import Order
from orders.sync.agreement import Agreement
from orders.sync.snapshot import HistoryRead
from tests.bitrix_bridge.outbound.test_delivery import change, made_here

pytestmark = pytest.mark.django_db

FORM = "%Y-%m-%d %H:%M:%S"


@pytest.fixture
def shared_order(site, shared_order, post_webhook):
    """Return an order of which the CRM has received version 10."""
    site.site.write_raw(shared_order.bitrix_order_id, {"VERSION": "10"})
    post_webhook("order.update", site.site.order(shared_order.bitrix_order_id))
    shared_order.refresh_from_db()
    assert shared_order.bitrix_version == 10
    return shared_order


@pytest.fixture
def site_saves(site):
    """Return a function that saves the order on the site from an older loaded version.

    The function returns the data of the event.
    """

    def save(order, version, *, seconds=60, **columns):
        key = order.bitrix_order_id
        date = datetime.strptime(site.site.order(key)["DATE_UPDATE"], FORM) + timedelta(seconds=seconds)  # noqa: DTZ007
        changes = {"VERSION": str(version), "DATE_UPDATE": date.strftime(FORM), **columns}
        site.site.write_raw(key, changes)
        return site.site.order(key)

    return save


@pytest.fixture
def post_order(post_webhook):
    """Return a function that posts all data of an order and returns the stored event."""

    def post_order(data):
        return WebhookEvent.objects.get(pk=post_webhook("order.update", data).json()["event_id"])

    return post_order


PAID = {"PAYED": "Y", "SUM_PAID": "9000.00"}


def edit(order, manager, **changes):
    services.edit_order(order_id=order.pk, changes=changes, actor=manager)
    deliver_due()
    order.refresh_from_db()


def state(order):
    order.refresh_from_db()
    return Agreement.from_json(order.bitrix_state)


def fetch_requests(site):
    return [request for request in site.site.requests if request.get("body", {}).get("action") == "order.get"]


def test_payment_with_a_lower_version_is_not_lost(site, shared_order, manager, site_saves, post_order):
    """The process of the customer's payment had loaded the order before two pushes of the CRM."""
    edit(shared_order, manager, comment="без лилий")
    edit(shared_order, manager, courier_comment="домофон 7")
    row = post_order(site_saves(shared_order, 11, **PAID))
    assert (row.action, row.state, bool(row.error)) == ("stale", "waiting", True)
    shared_order.refresh_from_db()
    assert shared_order.payment_status == "pending"
    assert status_check.check_status(str(shared_order.pk))
    row.refresh_from_db()
    shared_order.refresh_from_db()
    assert (row.action, row.state) == ("stale", "processed")
    assert (shared_order.payment_status, shared_order.paid_amount, shared_order.bitrix_version) == ("paid", 9000, 11)
    assert (shared_order.comment, shared_order.courier_comment) == ("без лилий", "домофон 7")
    assert (shared_order.sync_state, deliver_due()) == ("synced", 0)


def test_payment_is_not_lost_when_only_responses_were_received(site, manager, site_saves, post_order):
    order = made_here(manager)
    deliver_due()
    order.refresh_from_db()
    edit(order, manager, comment="без лилий")
    row = post_order(site_saves(order, 0, **PAID))
    assert row.state == "waiting"
    status_check.check_status(str(order.pk))
    order.refresh_from_db()
    assert (order.payment_status, order.comment) == ("paid", "без лилий")


@pytest.mark.parametrize("seconds", [0, 5], ids=["the same second", "later"])
def test_order_is_fetched_for_lower_version_with_later_date(
    shared_order, site, manager, site_saves, post_order, seconds
):
    for number in range(2):
        site.site.update_order(shared_order.bitrix_order_id, {"COMMENTS": str(number)})
    post_order(site.site.order(shared_order.bitrix_order_id))
    assert post_order(site_saves(shared_order, 11, seconds=seconds, **PAID)).state == "waiting"
    status_check.check_status(str(shared_order.pk))
    shared_order.refresh_from_db()
    assert shared_order.payment_status == "paid"


def test_order_is_fetched_for_higher_version_with_earlier_date(site, shared_order, site_saves, post_order):
    older = {**site.site.order(shared_order.bitrix_order_id), "VERSION": "19", "COMMENTS": "старое"}
    post_order(site_saves(shared_order, 10, seconds=300, **PAID))
    shared_order.refresh_from_db()
    assert shared_order.payment_status == "paid", "a tie in VERSION is left to the date"
    row = post_order(older)
    assert (row.action, row.state) == ("stale", "waiting")
    status_check.check_status(str(shared_order.pk))
    row.refresh_from_db()
    shared_order.refresh_from_db()
    assert (row.state, shared_order.payment_status, shared_order.bitrix_version) == ("processed", "paid", 10)
    assert shared_order.courier_comment != "старое"


def test_order_is_not_fetched_when_version_and_date_are_older(site, shared_order, site_saves, post_order):
    late = site_saves(shared_order, 11, seconds=1)
    post_order(site_saves(shared_order, 12, seconds=60, **PAID))
    row = post_order({**late, "COMMENTS": "старое"})
    assert (row.action, row.state, fetch_requests(site)) == ("stale", "processed", [])


def test_order_is_fetched_when_only_a_status_event_was_newer(site, shared_order, site_saves, post_order, post_webhook):
    """The status event had a newer version, but it did not contain the earlier changes to other fields."""
    paid = site_saves(shared_order, 11, seconds=1, **PAID)
    newer = site_saves(shared_order, 12, seconds=60, STATUS_ID="AP")
    bare = {name: newer[name] for name in ("ID", "STATUS_ID", "VERSION", "DATE_UPDATE")}
    assert post_webhook("order.status.change", bare).json()["action"] == "status_changed"
    assert post_order(paid).state == "waiting"
    status_check.check_status(str(shared_order.pk))
    shared_order.refresh_from_db()
    assert (shared_order.payment_status, shared_order.status_id) == ("paid", "accepted")


class TestUntilTheSiteHasAnswered:
    def test_event_waits_and_is_processed_again(self, site, shared_order, manager, site_saves, post_order):
        edit(shared_order, manager, comment="без лилий")
        edit(shared_order, manager, comment="без роз")
        row = post_order(site_saves(shared_order, 11, **PAID))
        site.faults.give(faults.status(503), action="order.get")
        assert not status_check.check_status(str(shared_order.pk))
        for _ in WAITS:
            row.refresh_from_db()
            assert row.state == "waiting"
            WebhookEvent.objects.filter(pk=row.pk).update(retry_at=timezone.now())
            inbox.retry_due()
        row.refresh_from_db()
        assert row.state == "failed", "loudly, and kept"
        assert status_check.check_status(str(shared_order.pk))
        assert inbox.reprocess(row.pk).state == "processed"
        shared_order.refresh_from_db()
        assert shared_order.payment_status == "paid"

    def test_event_of_the_same_second_keeps_fetched_state(self, site, shared_order, manager, site_saves, post_order):
        edit(shared_order, manager, comment="без лилий")
        edit(shared_order, manager, comment="без роз")
        event = site_saves(shared_order, 11, COMMENTS="первое")
        row = post_order(event)
        site_saves(shared_order, 11, seconds=0, COMMENTS="второе")
        status_check.check_status(str(shared_order.pk))
        row.refresh_from_db()
        shared_order.refresh_from_db()
        assert (row.state, shared_order.courier_comment) == ("processed", "второе")

    def test_fetch_is_repeated_after_event_with_the_same_version(
        self, site, shared_order, site_saves, post_order, monkeypatch
    ):
        original = refetch.read_site_order

        def read(client, key):
            snapshot = original(client, key)
            monkeypatch.setattr(refetch, "read_site_order", original)
            assert post_order(site_saves(shared_order, 10, **PAID)).action == "updated"
            return snapshot

        monkeypatch.setattr(refetch, "read_site_order", read)
        status_check.check_status(str(shared_order.pk))
        shared_order.refresh_from_db()
        assert (shared_order.payment_status, len(fetch_requests(site))) == ("paid", 2)

    def test_fetch_fails_when_events_arrive_during_every_attempt(
        self, site, shared_order, manager, site_saves, post_order, monkeypatch
    ):
        edit(shared_order, manager, comment="без лилий")
        edit(shared_order, manager, comment="без роз")
        row = post_order(site_saves(shared_order, 11, **PAID))
        original, seconds = refetch.read_site_order, iter(range(1, 9))

        def read(client, key):
            snapshot = original(client, key)
            post_order(site_saves(shared_order, 12, seconds=next(seconds), PAYED="N", SUM_PAID="0.00"))
            return snapshot

        monkeypatch.setattr(refetch, "read_site_order", read)
        assert not status_check.check_status(str(shared_order.pk))
        row.refresh_from_db()
        assert row.state == "waiting"


class TestTwins:
    """The CRM and the site have saved the same version.

    The save of the site was the first, and its event arrives last.
    """

    def test_late_event_of_same_version_keeps_our_change(self, site, shared_order, manager, site_saves, post_order):
        before = site.site.order(shared_order.bitrix_order_id)
        change(shared_order, "accepted", manager)
        deliver_due()
        date = (datetime.strptime(before["DATE_UPDATE"], FORM) + timedelta(seconds=1)).strftime(FORM)  # noqa: DTZ007
        twin = {**before, "VERSION": "11", "DATE_UPDATE": date, "COMMENTS": "домофон 7"}
        row = post_order(twin)
        shared_order.refresh_from_db()
        assert (row.state, shared_order.status_id) == ("waiting", "accepted")
        site_saves(shared_order, 11, COMMENTS="домофон 7")
        status_check.check_status(str(shared_order.pk))
        row.refresh_from_db()
        shared_order.refresh_from_db()
        assert (row.state, shared_order.status_id, shared_order.courier_comment) == (
            "processed",
            "accepted",
            "домофон 7",
        )

    def test_echo_of_our_change_is_recognized(self, site, shared_order, manager, post_order):
        change(shared_order, "accepted", manager)
        deliver_due()
        row = post_order(site.site.order(shared_order.bitrix_order_id))
        assert (row.action, row.state) == ("unchanged", "processed")


class TestReceivedVersion:
    """`received_version` is the version of the last order that was received with all its data."""

    def test_version_of_our_push_counts_as_received(self, shared_order, manager):
        edit(shared_order, manager, comment="без лилий")
        assert (shared_order.bitrix_version, state(shared_order).received_version) == (11, 11)

    def test_repeated_version_does_not_count_as_received(self, site, shared_order, manager, site_saves, post_order):
        edit(shared_order, manager, comment="без лилий")
        site_saves(shared_order, 10, **PAID)  # no event reports this save
        edit(shared_order, manager, comment="без роз")
        assert (shared_order.bitrix_version, state(shared_order).received_version) == (11, None)

    def test_push_without_change_on_site_keeps_received_version(self, site, shared_order, manager):
        edit(shared_order, manager, comment="без лилий")
        site.faults.give(faults.status(503), action="order.update")
        services.edit_order(order_id=shared_order.pk, changes={"comment": "без роз"}, actor=manager)
        deliver_due()
        edit(shared_order, manager, comment="без лилий")
        assert (shared_order.bitrix_version, state(shared_order).received_version) == (11, 11)

    def test_refused_status_does_not_count_as_received(self, site, shared_order, manager, site_saves):
        edit(shared_order, manager, comment="без лилий")
        site_saves(shared_order, 11, STATUS_ID="DE", **PAID)
        change(shared_order, "accepted", manager)
        deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.status_id, state(shared_order).received_version) == ("declined", None)


class TestResponseAfterEvent:
    @pytest.fixture
    def during_request(self, monkeypatch):
        def during_request(action, method="update_order"):
            original = getattr(BridgeClient, method)

            def call(client, *args, **kwargs):
                answer = original(client, *args, **kwargs)
                monkeypatch.setattr(BridgeClient, method, original)
                action()
                return answer

            monkeypatch.setattr(BridgeClient, method, call)

        return during_request

    def test_order_is_fetched_when_sequence_of_changes_is_unknown(
        self, site, shared_order, manager, site_saves, post_order, during_request, django_capture_on_commit_callbacks
    ):
        def another_address_under_the_same_version():
            properties = {**site.site.order(shared_order.bitrix_order_id)["properties"], "addressRecipient": "Абая 1"}
            assert post_order(site_saves(shared_order, 11, properties=properties)).state == "processed"

        during_request(another_address_under_the_same_version)
        OrmQ.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            edit(shared_order, manager, delivery_address="Достык 5")
        assert state(shared_order).is_unclear
        assert "bitrix_bridge.inbound.status_check.check_status" in [task.func() for task in OrmQ.objects.all()]
        status_check.check_status(str(shared_order.pk))
        shared_order.refresh_from_db()
        assert (shared_order.delivery_address, shared_order.sync_state) == ("Абая 1", "synced")
        assert not state(shared_order).is_unclear
        assert state(shared_order).received_version == 11

    def test_order_is_not_fetched_after_echo_of_our_change(
        self, site, shared_order, manager, post_order, during_request
    ):
        during_request(lambda: post_order(site.site.order(shared_order.bitrix_order_id)))
        edit(shared_order, manager, delivery_address="Достык 5")
        assert (state(shared_order).is_unclear, state(shared_order).received_version) == (False, 11)
        assert (shared_order.sync_state, fetch_requests(site)) == ("synced", [])

    def test_order_is_fetched_after_status_conflict(
        self, site, shared_order, manager, site_saves, post_order, monkeypatch
    ):
        """The response contains the site's status DE. Since then, the site has saved AP with the same version."""
        site_saves(shared_order, 11, STATUS_ID="DE")
        original = BridgeClient.set_status

        def call(client, *args, **kwargs):
            monkeypatch.setattr(BridgeClient, "set_status", original)
            try:
                return original(client, *args, **kwargs)
            finally:
                post_order(site_saves(shared_order, 11, STATUS_ID="AP"))

        monkeypatch.setattr(BridgeClient, "set_status", call)
        change(shared_order, "accepted", manager)
        deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.status_id, shared_order.sync_state) == ("accepted", "synced")
        assert "conflict" not in shared_order.events.values_list("kind", flat=True)


def test_repeated_request_keeps_later_change_of_site(site, shared_order, manager, site_saves, post_order):
    """The address of the CRM was saved as version 11, but the response was lost.

    A process of the site that had loaded the order earlier then also saved version 11.
    """
    services.edit_order(order_id=shared_order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
    site.faults.give(faults.answer_lost(), action="order.update")
    deliver_due()
    properties = {**site.site.order(shared_order.bitrix_order_id)["properties"], "addressRecipient": "Абая 1"}
    post_order(site_saves(shared_order, 11, properties=properties))
    shared_order.pushes.update(due_at=timezone.now())
    deliver_due()
    assert site.site.order(shared_order.bitrix_order_id)["properties"]["addressRecipient"] == "Абая 1"
    assert state(shared_order).is_unclear
    status_check.check_status(str(shared_order.pk))
    shared_order.refresh_from_db()
    assert (shared_order.delivery_address, Order.objects.count()) == ("Абая 1", 1)


def test_dump_import_does_not_end_a_status_check(site, shared_order, site_saves, post_order):
    """A copy of the site's database may be older although its version is higher, so the received values are kept."""
    copied = read_order({**site.site.order(shared_order.bitrix_order_id), "VERSION": "19"})
    post_order(site_saves(shared_order, 10, **PAID))
    assert services.record_histories([(copied, HistoryRead())])[0].outcome == services.Outcome.STALE
    shared_order.refresh_from_db()
    assert (shared_order.payment_status, shared_order.bitrix_version) == ("paid", 10)
