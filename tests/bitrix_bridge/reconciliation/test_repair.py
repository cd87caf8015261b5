"""Tests of differences on both sides and of their repair, over HTTP with the sandbox."""

import pytest

from bitrix_bridge.models import Difference, Push, Reconciliation
from bitrix_bridge.reconciliation import comparing
from bitrix_bridge.reconciliation import repair as repair_module
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import State, deliver_due
from notifications.models import TelegramMessage
from orders import services
from orders.models import Customer, Order, OrderEvent, Reason, Status
from tests.bitrix_bridge.outbound.test_delivery import change, made_here, status_on_site
from tests.bitrix_bridge.reconciliation.conftest import deliver_all, found, outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["bridge", "rest"])
def connected_site(request, site, settings):
    """Return the site, which the CRM can reach over the bridge or only over REST."""
    if request.param == "rest":
        settings.BITRIX_REST_URL, settings.BITRIX_API_URL = site.rest_url, ""
    return site


def the_one(run):
    return Difference.objects.get(run=run)


def test_equal_sides_have_no_differences(connected_site, place, compare_sides):
    place(3)
    run = compare_sides(repair=True)
    assert (run.compared, run.agreed, run.differences) == (3, 3, 0)
    assert not Push.objects.exists()


def test_comparison_without_orders_finishes(connected_site, compare_sides):
    assert compare_sides().compared == 0


class TestMissingHere:
    def test_order_missing_here_is_found_and_created(self, connected_site, place, compare_sides):
        place(1)
        missed = connected_site.place_order(recipient_name="Айгерім")
        run = compare_sides()
        assert (found(run), run.missing_here) == ({(int(missed["ID"]), "missing_here")}, 1)
        assert Order.objects.count() == 1
        run = compare_sides(repair=True)
        order = Order.objects.get(bitrix_order_id=int(missed["ID"]))
        assert (order.recipient_name, order.items.count(), order.is_stub) == ("Айгерім", len(missed["basket"]), False)
        assert (outcomes(run), the_one(run).order) == ({"repaired": 1}, order)
        assert order.events.get().reason == Reason.COMPARED
        assert compare_sides().differences == 0

    def test_created_order_ignores_the_shared_user_as_a_webhook_does(self, site, compare_sides, settings):
        placed = site.place_order()
        settings.BITRIX_DEFAULT_USER_ID = int(placed["USER_ID"])
        compare_sides(repair=True)
        assert not Customer.objects.filter(bitrix_user_id=int(placed["USER_ID"])).exists()  # this is the shared account

    def test_created_order_is_announced_only_if_recent(self, site, compare_sides):
        site.place_order()
        site.site.write_raw(int(site.place_order()["ID"]), {"DATE_INSERT": "2026-01-01 10:00:00"})
        compare_sides(repair=True)
        assert (Order.objects.count(), TelegramMessage.objects.count()) == (2, 1)


class TestMissingThere:
    def test_order_missing_on_the_site_is_marked_as_deleted(self, connected_site, place, compare_sides):
        kept, gone, last = place(3)
        connected_site.site.forget_raw(gone.bitrix_order_id)
        connected_site.site.forget_raw(last.bitrix_order_id)
        expected = {(order.bitrix_order_id, "missing_there") for order in (gone, last)}
        assert found(compare_sides()) == expected
        assert not Order.objects.filter(is_deleted_on_site=True).exists()
        run = compare_sides(repair=True)
        assert (found(run), outcomes(run)) == (expected, {"repaired": 2})
        gone.refresh_from_db()
        assert (gone.is_deleted_on_site, gone.events.first().reason) == (True, Reason.COMPARED_GONE)
        run = compare_sides()
        assert (run.differences, run.agreed) == (0, 3)
        del kept

    def test_order_missing_only_in_the_list_is_no_difference(self, site, place, compare_sides, monkeypatch):
        first, second = place(2)
        original = site.site.changed

        def without(*args, **kwargs):
            return [row for row in original(*args, **kwargs) if row["order_id"] != second.bitrix_order_id]

        monkeypatch.setattr(site.site, "changed", without)
        run = compare_sides()
        assert (run.differences, run.agreed) == (0, 2)
        del first

    def test_unreadable_missing_order_needs_a_person(self, site, place, compare_sides):
        first, second = place(2)
        site.site.forget_raw(first.bitrix_order_id)
        site.faults.give(faults.success_false_200(), times=2, action="order.get")
        run = compare_sides(repair=True)
        assert (run.compared, run.agreed, outcomes(run)) == (2, 1, {"person": 1})
        first.refresh_from_db()
        assert not first.is_deleted_on_site
        del second

    def test_many_missing_orders_are_marked_only_up_to_the_limit(self, site, place, compare_sides, monkeypatch):
        monkeypatch.setattr(repair_module, "MOST_DELETED", 2)
        monkeypatch.setattr(comparing, "MAX_FETCHES", 3)
        for order in place(5):
            site.site.forget_raw(order.bitrix_order_id)
        run = compare_sides(repair=True)
        assert (run.missing_there, outcomes(run)) == (5, {"repaired": 2, "person": 3})
        assert Order.objects.filter(is_deleted_on_site=True).count() == 2

    def test_deleted_order_that_exists_again_is_unmarked(self, site, place, compare_sides):
        (order,) = place(1)
        services.mark_deleted(bitrix_order_id=order.bitrix_order_id)
        run = compare_sides(repair=True)
        assert (found(run), outcomes(run)) == ({(order.bitrix_order_id, "is_deleted_on_site")}, {"repaired": 1})
        order.refresh_from_db()
        assert not order.is_deleted_on_site
        assert Reason.COMPARED_BACK in order.events.values_list("reason", flat=True)


class TestVersionOfPushResponse:
    """The version in the response to a push includes changes that the CRM has not received."""

    def test_site_change_with_a_lost_webhook_is_found_after_our_push(self, site, place, manager, compare_sides):
        (order,) = place(1)
        site.site.update_order(order.bitrix_order_id, properties={"addressRecipient": "Достык 5"})
        services.edit_order(order_id=order.pk, changes={"courier_comment": "домофон 7"}, actor=manager)
        deliver_due()
        run = compare_sides(repair=True)
        order.refresh_from_db()
        assert found(run) == {(order.bitrix_order_id, "version")}
        assert (order.delivery_address, order.sync_state, compare_sides().differences) == ("Достык 5", "synced", 0)

    def test_site_data_of_an_order_made_here_is_fetched(self, site, manager, compare_sides):
        order = made_here(manager)
        deliver_due()
        compare_sides(repair=True)
        order.refresh_from_db()
        there = site.site.order(order.bitrix_order_id)
        assert (order.bitrix_user_id, compare_sides().differences) == (int(there["USER_ID"]), 0)

    def test_push_without_a_site_change_is_no_difference(self, place, manager, compare_sides):
        (order,) = place(1)
        services.edit_order(order_id=order.pk, changes={"courier_comment": "домофон 7"}, actor=manager)
        deliver_due()
        assert compare_sides().differences == 0


class TestMadeHere:
    def test_lost_response_to_creation_is_repaired_by_the_site_id(self, site, manager, compare_sides):
        order = made_here(manager)
        site.faults.give(faults.answer_lost(), action="order.create")
        deliver_due()
        assert compare_sides().on_their_way == 1  # the push that creates the order is retried
        Push.objects.all().delete()
        run = compare_sides()
        (there,) = site.site.all_orders()
        assert found(run) == {(int(there["ID"]), "bitrix_order_id")}
        run = compare_sides(repair=True)
        order.refresh_from_db()
        assert (order.bitrix_order_id, order.sync_state) == (int(there["ID"]), "synced")
        assert (outcomes(run), Order.objects.count()) == ({"repaired": 1}, 1)
        assert compare_sides().differences == 0

    def test_order_made_here_without_a_push_is_sent(self, site, manager, compare_sides):
        order = made_here(manager)
        Push.objects.all().delete()
        run = compare_sides()
        assert (the_one(run).order, the_one(run).kind, run.missing_there) == (order, "missing_there", 1)
        assert outcomes(compare_sides(repair=True)) == {"repaired": 1}
        deliver_all()
        compare_sides(repair=True)  # this run fetches the data that the site has added to the order
        assert (len(site.site.all_orders()), compare_sides().differences) == (1, 0)

    def test_order_refused_by_the_site_needs_a_person(self, site, manager, compare_sides):
        made_here(manager)
        site.faults.give(faults.status(422), action="order.create")
        deliver_due()
        run = compare_sides(repair=True)
        assert (outcomes(run), run.need_person) == ({"person": 1}, 1)
        assert the_one(run).why == Push.objects.get().last_error


class TestChangedOnBothSides:
    def test_status_changed_on_both_sides_becomes_a_conflict(self, site, place, compare_sides, manager):
        (order,) = place(1)
        change(order, "accepted", manager)
        site.change_status(order.bitrix_order_id, "DE")
        run = compare_sides(repair=True)
        assert (found(run), outcomes(run)) == (
            {(order.bitrix_order_id, "status"), (order.bitrix_order_id, "version")},
            {"person": 1, "repaired": 1},
        )
        order.refresh_from_db()
        assert (order.status_id, order.sync_state) == ("declined", "conflict")
        event = order.events.first()
        assert (event.reason, event.details["occasion"]) == (Reason.SITE_DECIDES, Reason.COMPARED)

    def test_other_field_changed_on_both_sides_is_sent_again(self, site, place, compare_sides, manager):
        (order,) = place(1)
        services.edit_order(order_id=order.pk, changes={"total_amount": 8500}, actor=manager)
        site.site.update_order(order.bitrix_order_id, {"PRICE": "7000"})
        assert outcomes(compare_sides(repair=True)) == {"repaired": 2}
        deliver_all()
        assert site.site.order(order.bitrix_order_id)["PRICE"] == "8500.0000"
        assert found(compare_sides(repair=True)) == {(order.bitrix_order_id, "checksum")}, "the prices of its lines"
        assert compare_sides().differences == 0


class TestOurChangeNotSent:
    def test_change_with_a_failed_push_is_sent_again(self, site, place, compare_sides, manager):
        (order,) = place(1)
        change(order, "accepted", manager)
        site.faults.give(faults.status(422), action="order.status")
        deliver_due()
        assert Push.objects.get().state == State.FAILED
        assert found(compare_sides()) == {(order.bitrix_order_id, "status")}
        assert outcomes(compare_sides(repair=True)) == {"repaired": 1}
        deliver_all()
        order.refresh_from_db()
        assert (status_on_site(site, order), order.sync_state) == ("AP", "synced")

    def test_change_with_a_live_push_is_on_its_way(self, site, place, compare_sides, manager):
        (order,) = place(1)
        change(order, "accepted", manager)
        run = compare_sides(repair=True)
        assert (run.differences, run.on_their_way, Push.objects.count()) == (0, 1, 1)

    def test_change_that_cannot_be_sent_needs_a_person(self, site, place, compare_sides, manager, monkeypatch):
        pushed = tuple(name for name in comparing.PUSHED if name != "payment_status")
        for module in (comparing, repair_module):
            monkeypatch.setattr(module, "PUSHED", pushed)
        (order,) = place(1)
        Order.objects.filter(pk=order.pk).update(payment_status="paid")
        run = compare_sides(repair=True)
        assert (found(run), outcomes(run)) == ({(order.bitrix_order_id, "payment_status")}, {"person": 1})
        order.refresh_from_db()
        assert order.payment_status == "paid"


class TestVersions:
    def test_site_change_without_a_webhook_is_applied(self, connected_site, place, compare_sides):
        (order,) = place(1)
        connected_site.site.update_order(order.bitrix_order_id, properties={"addressRecipient": "Достык 5"})
        run = compare_sides(repair=True)
        assert (found(run), outcomes(run)) == ({(order.bitrix_order_id, "version")}, {"repaired": 1})
        order.refresh_from_db()
        assert (order.delivery_address, order.events.first().reason) == ("Достык 5", Reason.COMPARED)

    def test_older_state_of_a_restored_site_is_applied(self, site, place, compare_sides, post_webhook):
        (order,) = place(1)
        older = site.site.order(order.bitrix_order_id)
        for status in ("AP", "PD"):
            site.change_status(order.bitrix_order_id, status)
        event = site.sender.events[-1]
        post_webhook(event.name, event.data)
        order.refresh_from_db()
        assert order.status_id == "delivering"
        site.site.write_raw(order.bitrix_order_id, older)
        assert outcomes(compare_sides(repair=True)) == {"repaired": 2}
        order.refresh_from_db()
        assert (order.status_id, order.bitrix_version) == ("new", int(older["VERSION"]))
        assert compare_sides().differences == 0

    def test_newer_webhook_during_the_repair_is_kept(self, site, place, compare_sides, post_webhook, monkeypatch):
        (order,) = place(1)
        site.site.update_order(order.bitrix_order_id, {"COMMENTS": "старое"})
        original = repair_module.read_site_order

        def read(client, key):
            snapshot = original(client, key)
            monkeypatch.setattr(repair_module, "read_site_order", original)
            site.site.update_order(key, {"COMMENTS": "новое"})
            event = site.sender.events[-1]
            assert post_webhook(event.name, event.data).json()["action"] == "updated"
            return snapshot

        monkeypatch.setattr(repair_module, "read_site_order", read)
        compare_sides(repair=True)
        order.refresh_from_db()
        assert (order.courier_comment, order.bitrix_version) == ("новое", 2)


def test_change_between_the_two_reads_is_no_difference(site, place, compare_sides, post_webhook, monkeypatch):
    orders = place(2)
    original = comparing.SiteClient.list_orders

    def list_orders(client, **options):
        page = original(client, **options)
        monkeypatch.setattr(comparing.SiteClient, "list_orders", original)
        site.change_status(orders[0].bitrix_order_id, "AP")
        event = site.sender.events[-1]
        post_webhook(event.name, event.data)
        return page

    monkeypatch.setattr(comparing.SiteClient, "list_orders", list_orders)
    run = compare_sides()
    assert (run.differences, run.agreed) == (0, 2)


def test_unknown_site_status_creates_a_stub_only_in_a_repair(site, place, compare_sides):
    (order,) = place(1)
    site.site.write_raw(order.bitrix_order_id, {"STATUS_ID": "ZZ"})
    assert the_one(compare_sides()).theirs == "bitrix_ZZ"
    assert not Status.objects.filter(code="bitrix_ZZ").exists()
    compare_sides(repair=True)
    order.refresh_from_db()
    assert (order.status_id, compare_sides().differences) == ("bitrix_ZZ", 0)


def test_unreadable_site_value_needs_a_person(site, place, compare_sides):
    (order,) = place(1)
    site.site.write_raw(order.bitrix_order_id, {"PRICE": "даром"})
    run = compare_sides(repair=True)
    assert (the_one(run).theirs, the_one(run).outcome) == ("даром", "person")
    del order


def test_error_with_one_order_does_not_stop_others(site, place, compare_sides, monkeypatch):
    bad, good = place(2)
    for order in (bad, good):
        site.site.update_order(order.bitrix_order_id, {"COMMENTS": "x"})
    original = repair_module.read_site_order

    def read(client, key):
        if key == bad.bitrix_order_id:
            raise RecursionError("odd")
        return original(client, key)

    monkeypatch.setattr(repair_module, "read_site_order", read)
    run = compare_sides(repair=True)
    assert outcomes(run) == {"person": 1, "repaired": 1}
    assert "RecursionError" in Difference.objects.get(run=run, outcome="person").why


def test_since_compares_only_orders_that_the_site_saved_later(site, place, compare_sides, monkeypatch):
    old, new = place(2)
    site.site.write_raw(old.bitrix_order_id, {"STATUS_ID": "DE", "DATE_UPDATE": "2026-01-01 10:00:00"})
    # The list of orders saved since a time does not contain this deleted order, as if the site had not saved it.
    site.site.forget_raw(place(1)[0].bitrix_order_id)
    site.site.write_raw(new.bitrix_order_id, {"STATUS_ID": "DE"})
    run = compare_sides(since=old.created_at)
    assert (found(run), run.compared) == ({(new.bitrix_order_id, "status")}, 1)
    whole = compare_sides()
    assert found(whole) >= {(old.bitrix_order_id, "status"), (new.bitrix_order_id, "status")}
    compare_sides(since=old.created_at, repair=True)
    states = dict(Difference.objects.filter(run=whole).values_list("bitrix_order_id", "outcome"))
    assert (states[old.bitrix_order_id], states[new.bitrix_order_id]) == ("found", "gone")


def test_run_without_repair_writes_nothing(site, place, compare_sides, manager):
    first, second = place(2)
    site.site.update_order(first.bitrix_order_id, {"PRICE": "1"})
    Order.objects.filter(pk=second.pk).update(status="accepted", bitrix_version=None)
    site.place_order()
    made_here(manager)
    before = list(Order.objects.order_by("pk").values()), OrderEvent.objects.count(), Push.objects.count()
    assert compare_sides().differences == 5
    assert (list(Order.objects.order_by("pk").values()), OrderEvent.objects.count(), Push.objects.count()) == before
    assert site.site.writes == 0


def test_query_count_does_not_grow_with_orders(site, place, compare_sides, django_assert_max_num_queries):
    place(3)
    with django_assert_max_num_queries(40):
        compare_sides()
    place(30)
    with django_assert_max_num_queries(40):
        compare_sides()
    assert Reconciliation.objects.count() == 2
