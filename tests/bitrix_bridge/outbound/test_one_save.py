"""Tests of a status and other fields that are sent in one request if the bridge supports it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bitrix_bridge.models import Push
from bitrix_bridge.outbound.request_batches import Split, further_split, request_batches
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import PermanentDeliveryError, deliver_due
from orders import services
from orders.models import Status
from orders.sync.agreement import Agreement
from tests.bitrix_bridge.outbound.test_delivery import change, made_here, make_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def bridge(bridge_of_version):
    return bridge_of_version("1.2")


def edit(order, manager, **changes):
    services.edit_order(order_id=order.pk, changes=changes, actor=manager)


def sent(site):
    """Return the action and the body of every request that could change an order."""
    requests = [(one["action"], one["body"]) for one in site.site.requests]
    return [(action, body) for action, body in requests if action in ("order.update", "order.status", "order.create")]


def order_on_site(site, order):
    order.refresh_from_db()
    return site.site.order(order.bitrix_order_id)


def test_status_and_fields_are_sent_in_one_request(site, bridge, shared_order, manager):
    edit(shared_order, manager, courier_comment="домофон 7", delivery_address="Достык 5")
    change(shared_order, "accepted", manager)
    deliver_due()
    ((action, body),) = sent(site)
    assert (action, body["expected_status_id"]) == ("order.update", "N")
    assert body["fields"] == {"COMMENTS": "домофон 7", "STATUS_ID": "AP"}
    assert body["properties"] == {"addressRecipient": "Достык 5"}
    assert (order_on_site(site, shared_order)["STATUS_ID"], site.site.writes) == ("AP", 1)
    agreement = Agreement.from_json(shared_order.bitrix_state)
    assert (shared_order.sync_state, agreement.site_status, agreement.unanswered) == ("synced", "AP", None)
    event = shared_order.events.first()
    assert event.details["values"] == {
        "courier_comment": "домофон 7",
        "delivery_address": "Достык 5",
        "status": "accepted",
    }


def test_status_without_other_fields_uses_status_action(site, bridge, shared_order, manager):
    change(shared_order, "accepted", manager)
    deliver_due()
    assert [action for action, _ in sent(site)] == ["order.status"]


def test_other_values_of_new_order_follow_in_one_request(site, bridge, manager):
    order = made_here(manager, payment_status="paid")
    change(order, "accepted", manager)
    deliver_due()
    assert [action for action, _ in sent(site)] == ["order.create", "order.update"]
    row = order_on_site(site, order)
    assert (row["PAYED"], row["STATUS_ID"], order.sync_state) == ("Y", "AP", "synced")


@pytest.mark.parametrize("version", ["1.1", "1.1.9", "1", "2.0-beta", ""])
def test_older_bridge_gets_status_in_a_separate_request(site, bridge_of_version, shared_order, manager, version):
    bridge_of_version(version)
    edit(shared_order, manager, comment="без лилий")
    change(shared_order, "accepted", manager)
    deliver_due()
    assert [action for action, _ in sent(site)] == ["order.update", "order.status"]
    assert order_on_site(site, shared_order)["STATUS_ID"] == "AP"


@pytest.mark.parametrize("version", ["1.2", "1.2.1", "1.10", "2"])
def test_newer_bridge_gets_status_with_other_fields(site, bridge_of_version, shared_order, manager, version):
    bridge_of_version(version)
    edit(shared_order, manager, comment="без лилий")
    change(shared_order, "accepted", manager)
    deliver_due()
    assert [action for action, _ in sent(site)] == ["order.update"]


def test_status_is_sent_separately_over_rest(site, bridge, shared_order, manager, settings):
    settings.BITRIX_REST_URL = site.rest_url
    edit(shared_order, manager, comment="без лилий")
    change(shared_order, "accepted", manager)
    deliver_due()
    assert [action for action, _ in sent(site)] == ["order.update"]
    assert "STATUS_ID" not in sent(site)[0][1]["fields"]
    assert (order_on_site(site, shared_order)["STATUS_ID"], shared_order.sync_state) == ("AP", "synced")


def test_other_fields_are_sent_after_status_conflict(site, bridge, shared_order, manager):
    site.change_status(shared_order.bitrix_order_id, "DE")
    edit(shared_order, manager, comment="без лилий")
    change(shared_order, "accepted", manager)
    deliver_due()
    row = order_on_site(site, shared_order)
    assert (row["STATUS_ID"], row["USER_DESCRIPTION"]) == ("DE", "без лилий")
    assert [("STATUS_ID" in body["fields"]) for _, body in sent(site)] == [True, False]
    assert (shared_order.status_id, shared_order.sync_state) == ("declined", "conflict")
    event = shared_order.events.get(kind="conflict")
    assert (event.reason, event.details["desired"]) == ("site_has_other", {"status": "accepted"})


def test_refused_request_is_split(site, bridge, shared_order, manager):
    Status.objects.filter(code="accepted").update(bitrix_codes=["XX"])  # the site does not have this code
    edit(shared_order, manager, comment="без лилий")
    change(shared_order, "accepted", manager)
    deliver_due()
    assert [action for action, _ in sent(site)] == ["order.update", "order.update", "order.status"]
    assert order_on_site(site, shared_order)["USER_DESCRIPTION"] == "без лилий"
    assert (Push.objects.get().state, shared_order.sync_state) == ("failed", "failed")
    assert shared_order.events.get(kind="refused").details["fields"] == ["status"]


def test_status_without_site_code_does_not_stop_other_fields(site, bridge, shared_order, manager):
    Status.objects.create(code="packing", name="Упаковка", stage="making")
    Status.objects.filter(code="new").update(next_codes=[])
    edit(shared_order, manager, comment="без лилий")
    change(shared_order, "packing", manager)
    deliver_due()
    assert order_on_site(site, shared_order)["USER_DESCRIPTION"] == "без лилий"
    assert "Упаковка" in Push.objects.get().last_error


def test_held_status_is_not_sent_with_other_fields(site, bridge, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    edit(shared_order, manager, comment="без лилий")
    deliver_due()
    row = order_on_site(site, shared_order)
    assert (row["STATUS_ID"], row["USER_DESCRIPTION"]) == ("N", "без лилий")
    assert (Push.objects.get().state, shared_order.sync_state) == ("pending", "pending")
    hold_clock.let_pass(12)
    deliver_due()
    assert order_on_site(site, shared_order)["STATUS_ID"] == "AP"


def test_status_sent_with_other_fields_cannot_be_undone(site, bridge, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    hold_clock.let_pass(12)
    edit(shared_order, manager, comment="без лилий")
    site.faults.give(faults.answer_lost(), action="order.update")
    deliver_due()
    shared_order.refresh_from_db()
    assert shared_order.status_held_until is None
    assert services.undoable_change(shared_order) is None


READING = ("action", "order_id", "event_id")
"""The keys of a request that only reads the response to an earlier request."""


class TestRepeatedRequest:
    @pytest.fixture
    def unconfirmed(self, site, bridge, shared_order, manager):
        edit(shared_order, manager, delivery_address="Достык 5")
        change(shared_order, "accepted", manager)
        site.faults.give(faults.answer_lost(), action="order.update")
        deliver_due()
        assert order_on_site(site, shared_order)["STATUS_ID"] == "AP"
        return shared_order

    def retry(self):
        make_due(Push.objects.get())
        deliver_due()

    def test_repeated_request_is_identical(self, site, unconfirmed, manager):
        edit(unconfirmed, manager, courier_comment="домофон 7")
        self.retry()
        first, second, third = (body for _, body in sent(site))
        assert first == second
        assert third["fields"] == {"COMMENTS": "домофон 7"}
        assert (order_on_site(site, unconfirmed)["COMMENTS"], unconfirmed.sync_state, site.site.writes) == (
            "домофон 7",
            "synced",
            2,
        )

    def test_status_changed_on_site_since_is_kept(self, site, unconfirmed, post_webhook):
        site.change_status(unconfirmed.bitrix_order_id, "PD")
        self.retry()
        event = site.sender.events[-1]
        post_webhook(event.name, event.data, event_id=event.event_id)
        row = order_on_site(site, unconfirmed)
        assert (row["STATUS_ID"], unconfirmed.status_id, unconfirmed.sync_state) == ("PD", "delivering", "synced")

    def test_changed_status_makes_a_new_request(self, site, unconfirmed, manager):
        change(unconfirmed, "delivering", manager)
        self.retry()
        changes = [body for action, body in sent(site) if action == "order.update" and len(body) > len(READING)]
        assert len({body["event_id"] for body in changes}) == len(changes)
        row = order_on_site(site, unconfirmed)
        assert (row["STATUS_ID"], row["properties"]["addressRecipient"]) == ("PD", "Достык 5")
        assert unconfirmed.sync_state == "synced"
        assert "conflict" not in unconfirmed.events.values_list("kind", flat=True)

    def test_request_with_held_status_is_repeated_after_hold_period(self, site, unconfirmed, manager, hold_clock):
        """A request without a response can't be repeated while the status in the request is held."""
        unconfirmed.status_held_until = timezone.now() + timedelta(seconds=10)
        unconfirmed.save(update_fields=["status_held_until"])
        self.retry()
        unconfirmed.refresh_from_db()
        assert Push.objects.get().state == "pending"
        hold_clock.let_pass(12)
        self.retry()
        assert (order_on_site(site, unconfirmed)["STATUS_ID"], unconfirmed.sync_state) == ("AP", "synced")


TOGETHER, APART, ONE_BY_ONE = Split.TOGETHER, Split.APART, Split.ONE_BY_ONE
SEVERAL = {"status": 1, "items": 1, "postcard_text": "", "city": 2}


@pytest.mark.parametrize(
    ("values", "split", "with_status", "parts"),
    [
        ({"status": 1}, TOGETHER, True, [("status",)]),
        ({"comment": 1}, TOGETHER, True, [("comment",)]),
        (SEVERAL, TOGETHER, True, [("city", "items", "postcard_text", "status")]),
        (SEVERAL, TOGETHER, False, [("city", "items", "postcard_text"), ("status",)]),
        (SEVERAL, APART, True, [("city", "items", "postcard_text"), ("status",)]),
        (SEVERAL, ONE_BY_ONE, True, [("items",), ("city",), ("postcard_text",), ("status",)]),
        ({"city": 1, "shop": 2}, ONE_BY_ONE, True, [("city",), ("shop",)]),
        (
            {"status": 1, "comment": 1, "payment_status": "paid", "is_cancelled": False},
            APART,
            True,
            [("is_cancelled",), ("comment",), ("payment_status",), ("status",)],
        ),
    ],
)
def test_request_batches_follow_the_required_sequence(values, split, with_status, parts):
    assert request_batches(values, split, with_status=with_status) == parts


@pytest.mark.parametrize(
    ("names", "split", "code", "further"),
    [
        (("comment", "status"), TOGETHER, "x", APART),
        (("comment", "payment_status"), TOGETHER, "x", APART),
        (("comment", "city"), TOGETHER, "x", None),
        (("comment", "city"), TOGETHER, "property_too_long", ONE_BY_ONE),
        (("comment", "city"), APART, "property_unknown_value", ONE_BY_ONE),
        (("city", "status"), TOGETHER, "property_too_long", APART),
        (("city",), APART, "property_too_long", None),
        (("comment", "total_amount"), ONE_BY_ONE, "property_too_long", None),
    ],
)
def test_refused_values_are_split_further(names, split, code, further):
    assert further_split(dict.fromkeys(names, "paid"), split, PermanentDeliveryError("", code=code)) is further


def test_sums_and_lines_are_sent_with_the_status(site, bridge, shared_order, manager):
    edit(shared_order, manager, delivery_fee=Decimal(2000))
    change(shared_order, "accepted", manager)
    deliver_due()
    assert len(sent(site)) == 1
    assert order_on_site(site, shared_order)["PRICE_DELIVERY"] == "2000.0000"
