"""Tests of a held status: it is not sent before the end of its hold period, and never if it is undone."""

import threading
import time
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from bitrix_bridge.models import Push
from bitrix_bridge.outbound.queueing import queue_missed
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import deliver_due, deliver_one
from orders import services
from orders.models import Order, SyncState
from orders.services import NotAllowedError
from tests.bitrix_bridge.outbound.test_delivery import change, made_here, status_on_site

pytestmark = pytest.mark.django_db


def undo(order, manager):
    event = order.events.filter(kind="status").first()
    return services.undo_status(order_id=order.pk, event_id=event.pk, actor=manager)


def edit(order, manager, **changes):
    services.edit_order(order_id=order.pk, changes=changes, actor=manager)


def test_held_status_is_sent_in_one_save_after_hold_period(site, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    for _second in range(10):
        assert deliver_due() == 0
        hold_clock.let_pass(1)
    assert (deliver_due(), site.site.writes) == (0, 0)
    hold_clock.let_pass(1.1)
    assert deliver_due() == 1
    push = Push.objects.get()
    assert (status_on_site(site, shared_order), site.site.writes) == ("AP", 1)
    assert (push.state, push.attempts, Order.objects.get().sync_state) == ("delivered", 1, "synced")


def test_undone_status_is_never_sent(site, shared_order, manager, hold_clock):
    requests = len(site.site.requests)
    change(shared_order, "accepted", manager)
    undo(shared_order, manager)
    hold_clock.let_pass(3600)
    queue_missed()
    assert deliver_due() == 0
    assert (status_on_site(site, shared_order), len(site.site.requests)) == ("N", requests)


def test_second_status_change_restarts_the_hold_period(site, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    hold_clock.let_pass(8)
    change(shared_order, "delivering", manager)
    hold_clock.let_pass(4)
    assert deliver_due() == 0
    hold_clock.let_pass(8)
    assert deliver_due() == 1
    assert (status_on_site(site, shared_order), site.site.writes) == ("PD", 1)


def test_edit_is_sent_at_once_without_held_status(site, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    edit(shared_order, manager, courier_comment="домофон 7")
    assert deliver_due() == 1
    push, there = Push.objects.get(), site.site.order(shared_order.bitrix_order_id)
    assert (there["COMMENTS"], there["STATUS_ID"], site.site.writes) == ("домофон 7", "N", 1)
    assert (push.state, push.failures, Order.objects.get().sync_state) == ("pending", 0, "pending")
    assert deliver_due() == 0
    hold_clock.let_pass(11.1)
    assert deliver_due() == 1
    push.refresh_from_db()
    assert (status_on_site(site, shared_order), site.site.writes, push.state) == ("AP", 2, "delivered")
    assert Order.objects.get().sync_state == "synced"


def test_undone_status_after_edit_was_sent_is_not_sent(site, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    edit(shared_order, manager, courier_comment="домофон 7")
    deliver_due()
    undo(shared_order, manager)
    push = Push.objects.get()
    assert (push.state, Order.objects.get().sync_state) == ("cancelled", "synced")
    hold_clock.let_pass(60)
    assert (deliver_due(), site.site.writes, status_on_site(site, shared_order)) == (0, 1, "N")


def test_queued_edit_is_not_delayed_by_held_status(site, shared_order, manager, hold_clock):
    edit(shared_order, manager, courier_comment="домофон 7")
    change(shared_order, "accepted", manager)
    assert deliver_due() == 1
    assert site.site.order(shared_order.bitrix_order_id)["COMMENTS"] == "домофон 7"
    assert status_on_site(site, shared_order) == "N"


def test_new_order_is_created_at_once_and_held_status_follows(site, manager, hold_clock):
    order = made_here(manager)
    change(order, "accepted", manager)
    assert deliver_due() == 1
    order.refresh_from_db()
    assert (status_on_site(site, order), order.sync_state, Push.objects.get().state) == ("N", "pending", "pending")
    hold_clock.let_pass(11.1)
    deliver_due()
    order.refresh_from_db()
    assert (status_on_site(site, order), order.sync_state, Push.objects.count()) == ("AP", "synced", 1)


def test_new_order_is_created_although_status_is_undone(site, manager, hold_clock):
    order = made_here(manager)
    change(order, "accepted", manager)
    undo(order, manager)
    assert (Push.objects.get().state, Order.objects.get().sync_state) == ("pending", "pending")
    assert deliver_due() == 1
    order.refresh_from_db()
    assert (status_on_site(site, order), order.sync_state, site.site.writes) == ("N", "synced", 1)


def test_push_started_by_staff_still_waits_for_hold_period(site, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    push = Push.objects.get()
    assert push.deliver_now(by=manager)
    assert deliver_due() == 1
    push.refresh_from_db()
    assert (push.state, push.failures, push.retry_by, site.site.writes) == ("pending", 0, None, 0)
    assert push.due_at > Order.objects.get().status_held_until
    assert "ещё можно отменить" in push.last_error
    attempt = push.attempt_log.get()
    assert (attempt.outcome, attempt.actor) == ("postponed", manager)
    assert deliver_due() == 0
    hold_clock.let_pass(11.1)
    deliver_due()
    push.refresh_from_db()
    assert (push.state, push.last_error, status_on_site(site, shared_order)) == ("delivered", "", "AP")


def test_status_can_be_undone_after_staff_started_push(site, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    Push.objects.get().deliver_now(by=manager)
    deliver_due()
    undo(shared_order, manager)
    push = Push.objects.get()
    assert (push.state, "отменён" in push.last_error, site.site.writes) == ("cancelled", True, 0)
    assert Order.objects.get().sync_state == "synced"


def test_held_status_without_push_still_waits(site, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    Push.objects.all().delete()
    assert queue_missed() == 1
    assert deliver_due() == 0
    hold_clock.let_pass(11.1)
    assert (deliver_due(), status_on_site(site, shared_order)) == (1, "AP")


def test_push_retried_by_staff_waits_for_hold_period(site, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    push = Push.objects.get()
    push.cancel(reason="не надо")
    assert push.retry(by=manager)
    deliver_due()
    push.refresh_from_db()
    assert (push.state, site.site.writes) == ("pending", 0)


def test_refused_edit_does_not_lose_held_status(site, shared_order, manager, hold_clock):
    refusal = faults.status(422, body='{"success": false, "error": {"code": "x", "message": "нет товара"}}')
    change(shared_order, "accepted", manager)
    edit(shared_order, manager, courier_comment="домофон 7")
    # The request is refused during the hold period, then together with the status, and then alone.
    site.faults.give(refusal, times=3, action="order.update")
    deliver_due()
    push = Push.objects.get()
    assert (push.state, "нет товара" in push.last_error, push.failures) == ("pending", True, 0)
    assert deliver_due() == 0  # the request is not repeated at once
    hold_clock.let_pass(11.1)
    deliver_due()
    push.refresh_from_db()
    assert (push.state, status_on_site(site, shared_order)) == ("failed", "AP")
    assert Order.objects.get().sync_state == "failed"


def test_failed_request_of_edit_only_delays_held_status(site, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    edit(shared_order, manager, courier_comment="домофон 7")
    site.faults.give(faults.status(503), action="order.update")
    deliver_due()
    assert (Push.objects.get().failures, status_on_site(site, shared_order)) == (1, "N")
    hold_clock.let_pass(37)
    deliver_due()
    assert (status_on_site(site, shared_order), Order.objects.get().sync_state) == ("AP", "synced")


def test_undone_status_during_retry_delay_is_not_sent(site, shared_order, manager, hold_clock):
    change(shared_order, "accepted", manager)
    edit(shared_order, manager, courier_comment="домофон 7")
    site.faults.give(faults.status(503), action="order.update")
    deliver_due()
    undo(shared_order, manager)
    push = Push.objects.get()
    assert (push.state, push.failures, push.fields) == ("pending", 1, ["courier_comment"])
    hold_clock.let_pass(37)
    deliver_due()
    assert (status_on_site(site, shared_order), site.site.writes, Push.objects.get().state) == ("N", 1, "delivered")


def test_undone_conflict_decision_sends_nothing(site, shared_order, manager, hold_clock, settings):
    settings.STATUS_HOLD_SECONDS = 0
    site.change_status(shared_order.bitrix_order_id, "DE")
    change(shared_order, "accepted", manager)
    deliver_due()
    settings.STATUS_HOLD_SECONDS = 10
    assert Order.objects.get().sync_state == SyncState.CONFLICT
    change(shared_order, "accepted", manager)
    undo(shared_order, manager)
    hold_clock.let_pass(60)
    assert (queue_missed(), deliver_due(), site.site.writes) == (0, 0, 0)
    assert (Order.objects.get().sync_state, status_on_site(site, shared_order)) == (SyncState.CONFLICT, "DE")


def test_held_status_is_not_sent_when_site_changes_status(site, shared_order, manager, hold_clock, post_webhook):
    change(shared_order, "accepted", manager)
    site.change_status(shared_order.bitrix_order_id, "DE")
    event = site.sender.events[-1]
    post_webhook(event.name, event.data, event_id=event.event_id)
    hold_clock.let_pass(11.1)
    deliver_due()
    assert (status_on_site(site, shared_order), site.site.writes) == ("DE", 0)
    assert Order.objects.get().sync_state == SyncState.CONFLICT


class TestChangeBeforeRequest:
    """Staff change the order after it is read and before the request is sent."""

    @pytest.fixture
    def before_next_request(self, monkeypatch):
        """Return a function that runs an action just before the values of the next request are stored."""

        def run_before_next_request(action):
            original = {name: getattr(services, name) for name in ("note_sending", "start_request")}

            def noting(name, **kwargs):
                for one, service in original.items():
                    monkeypatch.setattr(services, one, service)
                action()
                return original[name](**kwargs)

            for name in original:
                monkeypatch.setattr(services, name, partial(noting, name))

        return run_before_next_request

    def test_undone_status_before_request_is_not_sent(
        self, site, shared_order, manager, hold_clock, before_next_request
    ):
        change(shared_order, "accepted", manager)
        hold_clock.let_pass(11.1)

        def undo_early():
            hold_clock.let_pass(-2)  # staff undo the status on a machine whose clock is behind
            undo(shared_order, manager)
            hold_clock.let_pass(2)

        before_next_request(undo_early)
        deliver_due()
        assert (status_on_site(site, shared_order), site.site.writes) == ("N", 0)
        assert (Push.objects.get().state, Order.objects.get().sync_state) == ("cancelled", "synced")

    def test_new_status_before_request_replaces_old_one(
        self, site, shared_order, manager, hold_clock, before_next_request
    ):
        change(shared_order, "accepted", manager)
        hold_clock.let_pass(11.1)
        before_next_request(lambda: change(shared_order, "delivering", manager))
        deliver_due()
        assert (Push.objects.get().state, site.site.writes) == ("pending", 0)
        hold_clock.let_pass(11.1)
        deliver_due()
        assert (status_on_site(site, shared_order), site.site.writes) == ("PD", 1)

    def test_value_edited_before_request_is_sent(self, site, shared_order, manager, before_next_request):
        edit(shared_order, manager, courier_comment="домофон 7")
        before_next_request(lambda: edit(shared_order, manager, courier_comment="домофон 8"))
        deliver_due()
        there = site.site.order(shared_order.bitrix_order_id)
        assert (there["COMMENTS"], site.site.writes) == ("домофон 8", 1)

    def test_new_order_edited_before_create_is_sent_with_edit(self, site, manager, before_next_request):
        order = made_here(manager)
        before_next_request(lambda: edit(order, manager, recipient_name="Анна"))
        deliver_due()
        order.refresh_from_db()
        there = site.site.order(order.bitrix_order_id)
        assert (there["properties"]["nameRecipient"], len(site.site.all_orders()), site.site.writes) == ("Анна", 1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("head_start", [0.02, 0.005, 0.001, 0.0, -0.001, -0.005, -0.02, -0.1])
def test_undone_status_during_delivery_leaves_both_sides_equal(
    head_start, site, shared_order, manager, hold_clock, monkeypatch
):
    """Of two actions at the same time, only the first one is done. Both sides agree afterwards."""
    # With this margin the clock allows both actions, so only the lock decides.
    monkeypatch.setattr("orders.rules.hold.MARGIN", timedelta(seconds=-10))
    change(shared_order, "accepted", manager)
    push, event = Push.objects.get(), shared_order.events.get(kind="status")
    assert push.due_at <= timezone.now() < Order.objects.get().status_held_until
    barrier, refusals = threading.Barrier(2), []

    def deliver():
        barrier.wait()
        time.sleep(max(-head_start, 0))
        deliver_one(Push, push.pk)
        connection.close()

    def undo():
        barrier.wait()
        time.sleep(max(head_start, 0))
        try:
            services.undo_status(order_id=shared_order.pk, event_id=event.pk, actor=None)
        except NotAllowedError as refusal:
            refusals.append(refusal)
        connection.close()

    threads = [threading.Thread(target=deliver), threading.Thread(target=undo)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    order = Order.objects.get()
    if refusals:
        assert (order.status_id, status_on_site(site, order), site.site.writes) == ("accepted", "AP", 1)
    else:
        assert (order.status_id, status_on_site(site, order), site.site.writes) == ("new", "N", 0)
        assert not Push.objects.filter(state__in=["pending", "sending", "failed"]).exists()
    assert order.sync_state == "synced"
