"""Tests of payments sent to the site and received from it: the sum, the method, and changes that the site refuses."""

from decimal import Decimal

import pytest

from bitrix_bridge.models import Push
from bitrix_bridge.outbound.queueing import queue_missed
from bitrix_bridge.sandbox import Sandbox, faults
from cvety_crm.outbox import deliver_due
from orders import services
from orders.models import Order, PaySystem
from orders.presentation.timeline import timeline
from orders.rules.payment import payment_of
from tests.bitrix_bridge.outbound.test_delivery import change, made_here, make_due
from tests.bitrix_bridge.two_systems.test_examples import echo as echo

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pay_systems(settings):
    settings.BITRIX_PAY_SYSTEMS = {1: "cash", 3: "kaspi", 2: "card", 4: "kaspi"}


@pytest.fixture
def shared_order(site, post_webhook):
    """Return an order received from the site, with the payment method cash."""
    placed = site.place_order(payment_method_id=1)
    post_webhook("order.create", placed)
    return Order.objects.get()


def edit(order, manager, **changes):
    services.edit_order(order_id=order.pk, changes=changes, actor=manager)


def order_on_site(site, order):
    order.refresh_from_db()
    return site.site.order(order.bitrix_order_id)


def pay_there(site, order, flag="Y"):
    site.site.update_order(order.bitrix_order_id, {"PAYED": flag})


def sent(site):
    return [
        request["body"] for request in site.site.requests if request.get("body", {}).get("action") == "order.update"
    ]


def is_synced(order):
    """Return whether no push is queued and the order has no pending changes."""
    order.refresh_from_db()
    return (order.sync_state, queue_missed(), deliver_due()) == ("synced", 0, 0)


class TestPaidHere:
    def test_payment_is_sent_and_the_whole_sum_is_paid_on_both_sides(self, site, shared_order, manager, echo):
        edit(shared_order, manager, payment_status="paid", paid_amount=Decimal(5000))
        assert Push.objects.get().fields == ["paid_amount", "payment_status"]
        deliver_due()
        assert order_on_site(site, shared_order)["PAYED"] == "Y"
        assert sent(site)[-1]["fields"] == {"PAYED": "Y"}
        assert echo() == "unchanged"
        shared_order.refresh_from_db()
        assert (shared_order.payment_status, shared_order.paid_amount) == ("paid", shared_order.total_amount)
        assert is_synced(shared_order)
        assert site.site.writes == 1
        pushed, _changed, _created = shared_order.events.all()
        assert pushed.details["values"] == {"payment_status": "paid"}

    def test_paid_sum_alone_is_not_sent(self, site, shared_order, manager, echo):
        edit(shared_order, manager, paid_amount=Decimal(5000))
        assert is_synced(shared_order)
        assert not Push.objects.exists()
        site.site.update_order(shared_order.bitrix_order_id, {"COMMENTS": "x"})
        echo()
        shared_order.refresh_from_db()
        assert shared_order.paid_amount == 5000, "the paid sum of the site has not changed"

    def test_payment_is_made_once_after_lost_response(self, site, shared_order, manager, echo):
        edit(shared_order, manager, payment_status="paid")
        site.faults.give(faults.answer_lost())
        deliver_due()
        assert (order_on_site(site, shared_order)["PAYED"], shared_order.sync_state) == ("Y", "pending")
        make_due(Push.objects.get())
        deliver_due()
        assert is_synced(shared_order)
        assert site.site.writes == 1
        echo()
        assert is_synced(shared_order)

    def test_payment_removed_after_lost_response_is_removed_on_site(self, site, shared_order, manager, echo):
        edit(shared_order, manager, payment_status="paid")
        site.faults.give(faults.answer_lost())
        deliver_due()
        edit(shared_order, manager, payment_status="pending")
        make_due(Push.objects.get())
        deliver_due()
        assert order_on_site(site, shared_order)["PAYED"] == "N"
        echo()
        assert is_synced(shared_order)
        assert shared_order.payment_status == "pending"

    def test_customers_own_payment_is_not_counted_as_ours(self, site, shared_order, manager, echo):
        edit(shared_order, manager, payment_status="paid")
        site.faults.give(faults.status(503))
        deliver_due()
        edit(shared_order, manager, payment_status="pending")
        pay_there(site, shared_order)  # the customer pays by card at the same time
        assert echo() == "updated"
        make_due(Push.objects.get())
        deliver_due()
        assert (order_on_site(site, shared_order)["PAYED"], shared_order.payment_status) == ("Y", "paid")
        assert is_synced(shared_order)

    def test_higher_total_marks_order_unpaid_on_both_sides(self, site, shared_order, manager, echo):
        edit(shared_order, manager, payment_status="paid")
        deliver_due()
        echo()
        edit(shared_order, manager, total_amount=shared_order.total_amount + 500)
        deliver_due()
        echo()
        shared_order.refresh_from_db()
        assert (shared_order.payment_status, payment_of(shared_order).due) == ("pending", 500)
        edit(shared_order, manager, payment_status="paid")
        deliver_due()
        echo()
        shared_order.refresh_from_db()
        assert (shared_order.payment_status, payment_of(shared_order).due) == ("paid", 0)
        assert is_synced(shared_order)


class TestRefundedHere:
    @pytest.fixture
    def paid(self, site, shared_order, echo):
        pay_there(site, shared_order)
        echo()
        shared_order.refresh_from_db()
        assert shared_order.payment_status == "paid"
        return shared_order

    def test_refund_marks_order_unpaid_on_site_and_echo_is_ignored(self, site, paid, manager, echo):
        edit(paid, manager, payment_status="refunded")
        deliver_due()
        row = order_on_site(site, paid)
        assert (row["PAYED"], row["SUM_PAID"]) == ("N", "0.00")
        echo()
        paid.refresh_from_db()
        assert (paid.payment_status, paid.paid_amount) == ("refunded", 0)
        assert is_synced(paid)
        assert site.site.writes == 1
        assert "conflict" not in paid.events.values_list("kind", flat=True)

    def test_refund_is_kept_after_other_changes_on_site(self, site, paid, manager, echo):
        edit(paid, manager, payment_status="refunded")
        deliver_due()
        for status in ("RD", "RF"):
            site.change_status(paid.bitrix_order_id, status)
            echo()
        paid.refresh_from_db()
        assert paid.payment_status == "refunded"
        assert is_synced(paid)

    def test_new_payment_on_site_replaces_refund(self, site, paid, manager, echo):
        edit(paid, manager, payment_status="refunded")
        deliver_due()
        pay_there(site, paid)
        echo()
        paid.refresh_from_db()
        assert paid.payment_status == "paid"
        assert is_synced(paid)

    def test_payment_removed_on_both_sides_sends_nothing(self, site, paid, manager, echo):
        edit(paid, manager, payment_status="refunded")
        pay_there(site, paid, "N")
        echo()
        paid.refresh_from_db()
        assert (paid.payment_status, paid.sync_state) == ("refunded", "synced")
        deliver_due()
        assert site.site.writes == 0, "both did the same"

    def test_payment_in_crm_wins_over_removal_on_site(self, site, paid, manager, echo):
        pay_there(site, paid, "N")
        echo()
        edit(paid, manager, payment_status="paid")
        site.site.update_order(paid.bitrix_order_id, {"COMMENTS": "вернули деньги"})
        echo()
        deliver_due()
        assert (order_on_site(site, paid)["PAYED"], paid.payment_status) == ("Y", "paid"), (
            "the later change of staff wins"
        )
        echo()
        assert is_synced(paid)

    def test_unpaid_and_refunded_are_equal_for_the_site(self, site, paid, manager):
        edit(paid, manager, payment_status="refunded")
        deliver_due()
        edit(paid, manager, payment_status="pending")
        assert is_synced(paid)
        assert site.site.writes == 1


class TestMethod:
    def test_payment_method_is_sent_as_pay_system(self, site, shared_order, manager, echo):
        edit(shared_order, manager, payment_method="kaspi")
        deliver_due()
        assert order_on_site(site, shared_order)["PAY_SYSTEM_ID"] == "3"
        assert echo() == "unchanged"
        assert is_synced(shared_order)

    def test_pay_system_chosen_on_site_sets_payment_method(self, site, shared_order, manager, echo):
        site.site.update_order(shared_order.bitrix_order_id, {"PAY_SYSTEM_ID": 4})
        echo()
        shared_order.refresh_from_db()
        assert shared_order.payment_method == "kaspi"
        edit(shared_order, manager, payment_method="kaspi")
        assert is_synced(shared_order)
        assert not Push.objects.exists(), "another one of the same method stays"

    def test_method_that_the_pay_system_gets_later_is_not_sent(self, site, post_webhook, manager, settings):
        settings.BITRIX_PAY_SYSTEMS = {1: "cash", 3: "kaspi"}
        post_webhook("order.create", site.place_order(payment_method_id=4))
        order = Order.objects.get()
        assert order.payment_method == ""
        edit(order, manager, payment_method="kaspi")
        services.choose_payment_method(bitrix_id=4, method="kaspi", actor=manager)
        deliver_due()
        assert (order_on_site(site, order)["PAY_SYSTEM_ID"], site.site.writes) == ("4", 0)
        assert is_synced(order)

    def test_pay_system_that_the_site_no_longer_offers_is_not_sent(self, site, shared_order, manager):
        PaySystem.objects.create(bitrix_id=3, name="Kaspi", payment_method="kaspi", is_active=False)
        edit(shared_order, manager, payment_method="kaspi")
        deliver_due()
        assert order_on_site(site, shared_order)["PAY_SYSTEM_ID"] == "4"

    def test_method_without_pay_system_does_not_stop_other_fields(self, site, shared_order, manager):
        edit(shared_order, manager, payment_method="transfer", payment_status="paid", delivery_address="Достык 5")
        change(shared_order, "accepted", manager)
        deliver_due()
        row = order_on_site(site, shared_order)
        assert (row["PAYED"], row["STATUS_ID"], row["PAY_SYSTEM_ID"]) == ("Y", "AP", "1")
        assert row["properties"]["addressRecipient"] == "Достык 5"
        push, refusal = Push.objects.get(), shared_order.events.filter(kind="refused").get()
        assert (push.state, shared_order.sync_state) == ("failed", "failed")
        assert "«Платёжные системы»" in push.last_error
        assert "еревод" in push.last_error
        assert refusal.details["fields"] == ["payment_method"]
        (entry,) = timeline([refusal])
        assert push.last_error in entry.notes

    def test_method_is_sent_after_setting_gets_its_pay_system(self, site, shared_order, manager, settings):
        edit(shared_order, manager, payment_method="transfer")
        deliver_due()
        settings.BITRIX_PAY_SYSTEMS = {**settings.BITRIX_PAY_SYSTEMS, 5: "cash", 4: "transfer"}
        Push.objects.get().retry()
        deliver_due()
        assert order_on_site(site, shared_order)["PAY_SYSTEM_ID"] == "4"
        assert is_synced(shared_order)

    def test_cleared_payment_method_is_not_sent(self, site, shared_order, manager, echo):
        edit(shared_order, manager, payment_method="")
        assert is_synced(shared_order)
        assert not Push.objects.exists()
        site.site.update_order(shared_order.bitrix_order_id, {"PAY_SYSTEM_ID": 2})
        echo()
        shared_order.refresh_from_db()
        assert shared_order.payment_method == "card"

    def test_paid_order_keeps_its_pay_system(self, site, shared_order, manager, echo):
        pay_there(site, shared_order)
        echo()
        edit(shared_order, manager, payment_method="kaspi", comment="без лилий")
        deliver_due()
        row = order_on_site(site, shared_order)
        assert (row["PAY_SYSTEM_ID"], row["USER_DESCRIPTION"]) == ("1", "без лилий")
        assert (shared_order.sync_state, "оплачен" in Push.objects.get().last_error) == ("failed", True)
        # The pay system of an unpaid payment can be changed.
        edit(shared_order, manager, payment_status="pending")
        deliver_due()
        row = order_on_site(site, shared_order)
        assert (row["PAYED"], row["PAY_SYSTEM_ID"]) == ("N", "3")
        assert is_synced(shared_order)


class TestCancelled:
    def test_refused_cancellation_of_paid_order_does_not_stop_other_fields(self, site, shared_order, manager, echo):
        pay_there(site, shared_order)
        echo()
        edit(shared_order, manager, is_cancelled=True, comment="не приедут")
        deliver_due()
        row = order_on_site(site, shared_order)
        assert (row["CANCELED"], row["USER_DESCRIPTION"]) == ("N", "не приедут")
        assert (shared_order.sync_state, "активные оплаты" in Push.objects.get().last_error) == ("failed", True)
        edit(shared_order, manager, payment_status="refunded")
        deliver_due()
        row = order_on_site(site, shared_order)
        assert (row["CANCELED"], row["PAYED"]) == ("Y", "N")
        echo()
        assert is_synced(shared_order)
        assert shared_order.payment_status == "refunded"

    def test_payment_of_cancelled_order_is_refused(self, site, shared_order, manager, echo):
        site.site.update_order(shared_order.bitrix_order_id, {"CANCELED": "Y"})
        echo()
        edit(shared_order, manager, payment_status="paid")
        deliver_due()
        assert (order_on_site(site, shared_order)["PAYED"], shared_order.sync_state) == ("N", "failed")
        edit(shared_order, manager, is_cancelled=False)
        deliver_due()
        row = order_on_site(site, shared_order)
        assert (row["CANCELED"], row["PAYED"]) == ("N", "Y")
        assert is_synced(shared_order)

    def test_error_names_every_refused_field(self, site, shared_order, manager, echo):
        pay_there(site, shared_order)
        echo()
        edit(shared_order, manager, is_cancelled=True, payment_method="transfer")
        deliver_due()
        error = Push.objects.get().last_error
        assert "«Платёжные системы»" in error
        assert "активные оплаты" in error
        refusal = shared_order.events.filter(kind="refused").get()
        assert sorted(refusal.details["fields"]) == ["is_cancelled", "payment_method"]


class TestCreatedInCrm:
    def test_new_paid_order_is_paid_on_site(self, site, manager, echo):
        order = made_here(manager, payment_status="paid", payment_method="kaspi")
        deliver_due()
        row = order_on_site(site, order)
        assert (row["PAYED"], row["PAY_SYSTEM_ID"], row["SUM_PAID"]) == ("Y", "3", "9000.00")
        for event in site.sender.events[-2:]:
            assert event.data["XML_ID"] == f"crm-{order.pk}"
        echo()
        order.refresh_from_db()
        assert (order.paid_amount, order.payment_status) == (9000, "paid")
        assert is_synced(order)

    def test_new_paid_order_stays_paid_after_lost_response(self, site, manager, echo, post_webhook):
        order = made_here(manager, payment_status="paid")
        site.faults.give(faults.answer_lost(), action="order.create")
        deliver_due()
        event = site.sender.events[-1]
        post_webhook(event.name, event.data, event_id=event.event_id)
        order.refresh_from_db()
        assert (order.payment_status, order.sync_state) == ("paid", "pending"), (
            "the site creates every order with PAYED=N"
        )
        make_due(Push.objects.get())
        deliver_due()
        assert order_on_site(site, order)["PAYED"] == "Y"
        assert is_synced(order)
        assert len(site.site.all_orders()) == 1

    def test_method_without_pay_system_stays_pending_after_create(self, site, manager, echo):
        order = made_here(manager, payment_method="transfer")
        deliver_due()
        assert (order_on_site(site, order)["PAY_SYSTEM_ID"], order.sync_state) == ("1", "failed")
        echo()
        order.refresh_from_db()
        assert order.payment_method == "transfer", "the echo of the created order changes nothing"

    def test_new_order_without_method_gets_method_of_site(self, site, manager, echo):
        order = made_here(manager)
        deliver_due()
        echo()
        order.refresh_from_db()
        assert order.payment_method == "cash"
        assert is_synced(order)


class TestRest:
    """REST can't change payments."""

    def test_rest_sends_what_it_supports_and_payment_needs_bridge(self, shared_order, site, manager, settings):
        settings.BITRIX_API_URL, settings.BITRIX_REST_URL = "", site.rest_url
        edit(shared_order, manager, payment_status="paid", comment="без лилий")
        change(shared_order, "accepted", manager)
        deliver_due()
        row = order_on_site(site, shared_order)
        assert (row["PAYED"], row["USER_DESCRIPTION"], row["STATUS_ID"]) == ("N", "без лилий", "AP")
        assert (shared_order.sync_state, "bitrix_bridge/php" in Push.objects.get().last_error) == ("failed", True)
        assert shared_order.events.filter(kind="refused").get().details["fields"] == ["payment_status"]


def test_payment_over_earlier_endpoint_fails_because_bridge_is_missing(settings, manager):
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, legacy_bridge=True) as old:
        settings.BITRIX_API_URL = old.bridge_url
        order = made_here(manager, payment_status="paid")
        deliver_due()
        order.refresh_from_db()
        assert (order.payment_status, order.sync_state) == ("paid", "failed")
        assert len(old.site.all_orders()) == 1
