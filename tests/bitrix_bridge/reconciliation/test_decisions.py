"""Tests of decisions about a difference.

They check the order, the push, the timeline and the difference after the decision.
"""

import pytest

from bitrix_bridge.models import Difference, Push, Reconciliation
from bitrix_bridge.reconciliation import decisions
from bitrix_bridge.reconciliation.decisions import NotDecidedError, decide, sides
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import deliver_due
from orders import services
from orders.models import Order, Reason
from orders.sync.fields import PUSHED
from tests.bitrix_bridge.outbound.test_delivery import change, made_here, status_on_site
from tests.bitrix_bridge.reconciliation.conftest import deliver_all, found

pytestmark = pytest.mark.django_db

Side = Difference.Side
CASES = {
    "status": ({"STATUS_ID": "PD"}, {"status_id": "accepted"}, "delivering", "accepted", ("STATUS_ID", "PD", "AP")),
    "total_amount": ({"PRICE": "5.0000"}, {"total_amount": 7000}, 5, 7000, ("PRICE", "5.0000", "7000.0000")),
    "is_cancelled": ({"CANCELED": "N"}, {"is_cancelled": True}, False, True, ("CANCELED", "N", "Y")),
}
ATTRIBUTES = {"status": "status_id", "total_amount": "total_amount", "is_cancelled": "is_cancelled"}


@pytest.fixture
def order(place):
    return place(1)[0]


def differing(order, site, there, here):
    site.site.write_raw(order.bitrix_order_id, there)
    Order.objects.filter(pk=order.pk).update(**here)


def one(run, field):
    return Difference.objects.get(run=run, field=field)


@pytest.mark.parametrize("field", CASES)
class TestOneField:
    def test_site_side_applies_the_site_value(self, site, order, compare_sides, manager, field):
        there, here, theirs, _ours, (column, on_site, _sent) = CASES[field]
        differing(order, site, there, here)
        decided = decide(one(compare_sides(), field).pk, Side.SITE, actor=manager)
        assert (decided.outcome, decided.side, decided.resolved_by) == ("resolved", "site", manager)
        order.refresh_from_db()
        assert (getattr(order, ATTRIBUTES[field]), order.sync_state) == (theirs, "synced")
        event = order.events.first()
        assert (event.actor, event.reason, event.source) == (manager, Reason.COMPARED_TAKEN, "admin")
        assert [line["field"] for line in event.changes] == [field]
        deliver_all()
        assert (site.site.order(order.bitrix_order_id)[column], site.site.writes) == (on_site, 0)
        assert not Difference.objects.filter(run=compare_sides(), field=field).exists()

    def test_our_side_sends_our_value(self, site, order, compare_sides, manager, field):
        there, here, _theirs, ours, (column, _on_site, sent) = CASES[field]
        differing(order, site, there, here)
        decided = decide(one(compare_sides(), field).pk, Side.OURS, actor=manager)
        assert (decided.outcome, decided.side) == ("resolved", "ours")
        order.refresh_from_db()
        assert (getattr(order, ATTRIBUTES[field]), order.sync_state) == (ours, "pending")
        event = order.events.first()
        assert (event.actor, event.reason) == (manager, Reason.COMPARED_KEPT)
        assert field in event.details["theirs"]
        deliver_all()
        assert site.site.order(order.bitrix_order_id)[column] == sent
        # No event has reported the items and payments that have changed on the site.
        assert found(compare_sides()) <= {(order.bitrix_order_id, "checksum")}


def test_decision_changes_only_its_field(site, order, compare_sides, manager):
    differing(order, site, {"PRICE": "5", "STATUS_ID": "PD"}, {})
    run = compare_sides()
    decide(one(run, "total_amount").pk, Side.SITE, actor=manager)
    order.refresh_from_db()
    assert (order.total_amount, order.status_id) == (5, "new")
    assert one(run, "status").outcome == "found"


def test_decision_applies_the_current_site_value(site, order, compare_sides, manager):
    differing(order, site, {"PRICE": "5"}, {})
    run = compare_sides()
    site.site.write_raw(order.bitrix_order_id, {"PRICE": "6"})
    decide(one(run, "total_amount").pk, Side.SITE, actor=manager)
    order.refresh_from_db()
    assert order.total_amount == 6


def test_unknown_site_status_is_applied_as_a_stub(site, order, compare_sides, manager):
    differing(order, site, {"STATUS_ID": "ZZ"}, {})
    decide(one(compare_sides(), "status").pk, Side.SITE, actor=manager)
    order.refresh_from_db()
    assert order.status_id == "bitrix_ZZ"


def test_second_decision_changes_nothing(site, order, compare_sides, manager, django_user_model):
    differing(order, site, {"PRICE": "5"}, {})
    key = one(compare_sides(), "total_amount").pk
    decide(key, Side.SITE, actor=manager)
    events, asked = order.events.count(), len(site.site.requests)
    other = django_user_model.objects.create_user("other")
    assert decide(key, Side.OURS, actor=other).resolved_by == manager
    assert (order.events.count(), len(site.site.requests)) == (events, asked)


def test_concurrent_decisions_apply_only_the_first(site, order, compare_sides, manager, django_user_model, monkeypatch):
    differing(order, site, {"PRICE": "5"}, {})
    key = one(compare_sides(), "total_amount").pk
    other = django_user_model.objects.create_user("other")
    original = decisions.read_site_order

    def read(client, bitrix_order_id):
        monkeypatch.setattr(decisions, "read_site_order", original)
        decide(key, Side.OURS, actor=other)
        return original(client, bitrix_order_id)

    monkeypatch.setattr(decisions, "read_site_order", read)
    assert decide(key, Side.SITE, actor=manager).resolved_by == other
    order.refresh_from_db()
    assert order.total_amount != 5


@pytest.mark.parametrize("fault", [faults.status(503), faults.html(), faults.status(401)])
def test_decision_fails_without_changes_when_the_site_does_not_answer(site, order, compare_sides, manager, fault):
    differing(order, site, {"PRICE": "5"}, {})
    key = one(compare_sides(), "total_amount").pk
    before = Order.objects.values().get(), order.events.count()
    site.faults.give(fault)
    with pytest.raises(NotDecidedError):
        decide(key, Side.SITE, actor=manager)
    assert (Order.objects.values().get(), order.events.count()) == before
    assert Difference.objects.get(pk=key).is_open
    assert decide(key, Side.SITE, actor=manager).outcome == "resolved"


def test_decision_keeps_the_value_of_a_concurrent_webhook(
    site, order, compare_sides, manager, post_webhook, monkeypatch
):
    differing(order, site, {"PRICE": "5"}, {})
    key = one(compare_sides(), "total_amount").pk
    original = decisions.read_site_order

    def read(client, bitrix_order_id):
        snapshot = original(client, bitrix_order_id)
        monkeypatch.setattr(decisions, "read_site_order", original)
        site.site.update_order(bitrix_order_id, {"PRICE": "8"})
        event = site.sender.events[-1]
        post_webhook(event.name, event.data)
        return snapshot

    monkeypatch.setattr(decisions, "read_site_order", read)
    decide(key, Side.SITE, actor=manager)
    order.refresh_from_db()
    assert order.total_amount == 8


def test_decision_fails_when_the_site_has_lost_the_order(site, order, compare_sides, manager):
    differing(order, site, {"PRICE": "5"}, {})
    key = one(compare_sides(), "total_amount").pk
    site.site.forget_raw(order.bitrix_order_id)
    with pytest.raises(NotDecidedError):
        decide(key, Side.SITE, actor=manager)


def test_our_side_is_refused_for_a_field_that_cannot_be_sent(site, order, compare_sides, manager, monkeypatch):
    pushed = tuple(name for name in PUSHED if name != "payment_status")
    monkeypatch.setattr(decisions, "PUSHED", pushed)
    monkeypatch.setattr("orders.services.outbound.reconciliation.PUSHED", pushed)
    differing(order, site, {}, {"payment_status": "paid"})
    difference = one(compare_sides(), "payment_status")
    assert sides(difference) == (Side.SITE,)
    with pytest.raises(NotDecidedError):
        decide(difference.pk, Side.OURS, actor=manager)
    with pytest.raises(services.NotAllowedError):
        services.keep_ours(order_id=order.pk, field="payment_status", value="pending", times_received=0, actor=manager)
    decide(difference.pk, Side.SITE, actor=manager)
    order.refresh_from_db()
    assert (order.payment_status, Push.objects.count()) == ("pending", 0)


def test_decision_is_refused_while_the_run_may_repair(site, order, compare_sides, manager):
    differing(order, site, {"PRICE": "5"}, {})
    difference = one(compare_sides(), "total_amount")
    Reconciliation.objects.update(state="running", is_repair=True)
    difference.refresh_from_db()
    assert sides(difference) == ()
    with pytest.raises(NotDecidedError):
        decide(difference.pk, Side.SITE, actor=manager)
    assert order.events.count() == 1


def test_services_refuse_an_outdated_value(order, manager):
    for service in (services.take_site_value, services.keep_ours):
        with pytest.raises(services.NotAllowedError):
            service(order_id=order.pk, field="total_amount", value=5, times_received=77, actor=manager)


class TestVersion:
    def test_decision_about_a_version_fetches_the_order(self, site, order, compare_sides, manager):
        site.site.update_order(order.bitrix_order_id, properties={"addressRecipient": "Достык 5"})
        difference = one(compare_sides(), "version")
        assert sides(difference) == (Side.SITE,)
        decide(difference.pk, Side.SITE, actor=manager)
        order.refresh_from_db()
        assert (order.delivery_address, order.bitrix_version) == ("Достык 5", 1)
        event = order.events.first()
        assert (event.actor, event.reason) == (manager, Reason.COMPARED)


class TestMissing:
    def test_order_missing_here_is_created(self, site, compare_sides, manager):
        placed = site.place_order()
        difference = Difference.objects.get(run=compare_sides())
        decided = decide(difference.pk, Side.SITE, actor=manager)
        order = Order.objects.get(bitrix_order_id=int(placed["ID"]))
        assert (decided.order, order.events.get().actor) == (order, manager)

    def test_order_missing_here_and_deleted_on_the_site_is_closed(self, site, compare_sides, manager):
        placed = site.place_order()
        difference = Difference.objects.get(run=compare_sides())
        site.site.forget_raw(int(placed["ID"]))
        assert decide(difference.pk, Side.SITE, actor=manager).outcome == "resolved"
        assert not Order.objects.exists()

    def test_order_missing_on_the_site_is_marked_as_deleted(self, site, order, compare_sides, manager):
        site.site.forget_raw(order.bitrix_order_id)
        decide(Difference.objects.get(run=compare_sides()).pk, Side.SITE, actor=manager)
        order.refresh_from_db()
        event = order.events.first()
        assert (order.is_deleted_on_site, event.actor, event.reason) == (True, manager, Reason.COMPARED_GONE)

    def test_order_that_exists_again_on_the_site_is_not_marked(self, site, order, compare_sides, manager):
        copy = site.site.order(order.bitrix_order_id)
        site.site.forget_raw(order.bitrix_order_id)
        difference = Difference.objects.get(run=compare_sides())
        site.site._orders[order.bitrix_order_id] = copy
        decide(difference.pk, Side.SITE, actor=manager)
        order.refresh_from_db()
        assert not order.is_deleted_on_site

    def test_order_made_here_is_sent_again(self, site, compare_sides, manager):
        made_here(manager)
        site.faults.give(faults.status(422), action="order.create")
        deliver_due()
        difference = Difference.objects.get(run=compare_sides())
        assert sides(difference) == (Side.OURS,)
        decide(difference.pk, Side.OURS, actor=manager)
        deliver_all()
        assert len(site.site.all_orders()) == 1


class TestConflict:
    """Both sides have changed the status. The status set by the manager is on the timeline, and not in the order."""

    @pytest.fixture
    def difference(self, site, order, compare_sides, manager):
        change(order, "accepted", manager)
        site.change_status(order.bitrix_order_id, "PD")
        difference = one(compare_sides(repair=True), "status")
        assert difference.outcome == "person"
        return difference

    def test_our_side_applies_the_pending_status_of_the_manager(self, site, order, manager, difference):
        decide(difference.pk, Side.OURS, actor=manager)
        deliver_all()
        order.refresh_from_db()
        assert (order.status_id, status_on_site(site, order), order.sync_state) == ("accepted", "AP", "synced")

    def test_site_side_keeps_the_status_of_the_site(self, site, order, manager, difference):
        decide(difference.pk, Side.SITE, actor=manager)
        deliver_all()
        order.refresh_from_db()
        assert (order.status_id, status_on_site(site, order), order.sync_state) == ("delivering", "PD", "synced")
