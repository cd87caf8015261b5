"""Tests of undoing a change of status: what is restored, and what is refused for which reason."""

import logging
from uuid import uuid4

import pytest

from bitrix_bridge.models import Push
from notifications.models import TelegramMessage
from orders import services
from orders.models import Order, OrderEvent, Status, SyncState
from orders.presentation.timeline import timeline
from orders.services import NotAllowedError
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(post_webhook) -> Order:
    post_webhook("order.create", order_data())
    return Order.objects.get()


@pytest.fixture
def change(manager):
    """Return a function that sets a status and returns the timeline entry of the change."""

    def set_status(order, status, **more):
        services.change_status(order_id=order.pk, status=status, actor=manager, **more)
        return order.events.filter(kind="status").first()

    return set_status


@pytest.fixture
def undo_change(manager):
    def undo(event):
        return services.undo_status(order_id=event.order_id, event_id=event.pk, actor=manager)

    return undo


def columns(order):
    """Return the values of all columns of the order except `updated_at`."""
    return {
        key: value for key, value in Order.objects.filter(pk=order.pk).values().get().items() if key != "updated_at"
    }


def test_undo_restores_order_and_deletes_entry_push_and_message(order, change, undo_change, hold_clock):
    before, events = columns(order), list(OrderEvent.objects.values_list("pk"))
    event = change(order, "accepted", comment="поторопились")
    assert (Order.objects.get().status_id, Push.objects.count()) == ("accepted", 1)
    assert TelegramMessage.objects.filter(event=event).exists()
    hold_clock.let_pass(9)
    assert undo_change(event).status_id == "new"
    assert columns(order) == before
    assert list(OrderEvent.objects.values_list("pk")) == events
    assert Push.objects.count() == 0
    assert not TelegramMessage.objects.filter(kind="status").exists()


def test_undo_logs_order_and_user(order, change, undo_change, hold_clock, caplog):
    with caplog.at_level(logging.INFO, logger="orders.services.undo"):
        undo_change(change(order, "accepted"))
    assert "122183: manager has undone" in caplog.text


def test_undo_of_final_status_clears_completed_at(order, change, undo_change, hold_clock):
    Status.objects.filter(code="new").update(next_codes=["cancelled"])
    event = change(order, "cancelled")
    assert Order.objects.get().completed_at is not None
    undo_change(event)
    assert Order.objects.get().completed_at is None


def test_undo_keeps_earlier_completed_at(order, change, undo_change, hold_clock):
    order.completed_at = hold_clock.now()
    order.save(update_fields=["completed_at"])
    undo_change(change(order, "accepted"))
    assert Order.objects.get().completed_at == order.completed_at


@pytest.mark.parametrize("passed", [10.1, 600])
def test_undo_is_refused_after_hold_period(order, change, undo_change, hold_clock, passed):
    event = change(order, "accepted")
    hold_clock.let_pass(passed)
    with pytest.raises(NotAllowedError, match="уже отправлен"):
        undo_change(event)
    assert Order.objects.get().status_id == "accepted"
    assert OrderEvent.objects.filter(pk=event.pk).exists()


def test_undo_is_refused_when_hold_period_is_switched_off(order, change, undo_change, settings):
    settings.STATUS_HOLD_SECONDS = 0
    event = change(order, "accepted")
    assert (event.details, Order.objects.get().status_held_until) == ({}, None)
    with pytest.raises(NotAllowedError):
        undo_change(event)


def test_second_undo_of_same_change_is_refused(order, change, undo_change, hold_clock):
    event = change(order, "accepted")
    undo_change(event)
    with pytest.raises(NotAllowedError, match="уже отменён"):
        undo_change(event)


def test_undo_with_entry_of_another_order_is_refused(order, change, hold_clock, manager, post_webhook):
    event = change(order, "accepted")
    post_webhook("order.create", order_data(ID="5", ACCOUNT_NUMBER="5"))
    other = Order.objects.get(bitrix_order_id=5)
    with pytest.raises(NotAllowedError):
        services.undo_status(order_id=other.pk, event_id=event.pk, actor=manager)
    assert Order.objects.get(pk=order.pk).status_id == "accepted"


def test_undo_is_refused_after_another_change_of_status(order, change, undo_change, hold_clock):
    first = change(order, "accepted")
    change(order, "delivering")
    with pytest.raises(NotAllowedError, match="уже сменили"):
        undo_change(first)
    assert Order.objects.get().status_id == "delivering"


def test_undo_is_refused_after_site_set_another_status(order, change, undo_change, hold_clock, post_webhook):
    event = change(order, "accepted")
    post_webhook("order.update", next_version(order_data(), STATUS_ID="DE"))
    with pytest.raises(NotAllowedError, match="Сайт уже поставил другой статус"):
        undo_change(event)
    found = Order.objects.get()
    assert (found.status_id, found.sync_state, found.status_held_until) == ("declined", SyncState.CONFLICT, None)


def test_undo_is_refused_after_site_set_same_status(order, change, undo_change, hold_clock, post_webhook):
    event = change(order, "accepted")
    post_webhook("order.update", next_version(order_data(), STATUS_ID="AP"))
    with pytest.raises(NotAllowedError, match="На сайте уже этот статус"):
        undo_change(event)
    assert (Order.objects.get().status_id, Order.objects.get().sync_state) == ("accepted", SyncState.SYNCED)


def test_undo_of_status_set_by_site_is_refused(order, undo_change, hold_clock, post_webhook):
    post_webhook("order.update", next_version(order_data(), STATUS_ID="AP"))
    with pytest.raises(NotAllowedError):
        undo_change(order.events.first())


def test_undo_is_refused_after_sending_even_with_slow_clock(order, change, undo_change, hold_clock):
    event = change(order, "accepted")
    hold_clock.let_pass(11.1)
    assert services.note_sending(order_id=order.pk, values={"status": "accepted"})
    hold_clock.let_pass(-5)  # staff undo the status on a machine whose clock is behind
    with pytest.raises(NotAllowedError, match="уже отправлен"):
        undo_change(event)


def test_undo_is_refused_after_release_even_with_slow_clock(order, change, undo_change, hold_clock):
    event = change(order, "accepted")
    hold_clock.let_pass(11.1)
    assert services.release_status(order_id=order.pk, event_id=event.pk) is None
    hold_clock.let_pass(-5)
    with pytest.raises(NotAllowedError, match="уже отправлен"):
        undo_change(event)


class TestTwoChanges:
    """An order is accepted, and three seconds later it is set to delivering."""

    @pytest.fixture
    def changes(self, order, change, hold_clock):
        first = change(order, "accepted")
        hold_clock.let_pass(3)
        return first, change(order, "delivering")

    def test_both_changes_can_be_undone_newest_first(self, order, changes, undo_change, hold_clock):
        hold_clock.let_pass(5)
        for event, left in zip(reversed(changes), ("accepted", "new"), strict=True):
            assert undo_change(event).status_id == left
        assert Push.objects.count() == 0
        assert (Order.objects.get().sync_state, Order.objects.get().status_held_until) == (SyncState.SYNCED, None)

    def test_undo_of_second_change_sends_first_after_its_hold_period(self, order, changes, undo_change, hold_clock):
        first, second = changes
        hold_clock.let_pass(8)
        undo_change(second)
        found, push = Order.objects.get(), Push.objects.get()
        assert (found.status_id, found.sync_state) == ("accepted", SyncState.PENDING)
        assert (push.state, push.fields, push.due_at <= hold_clock.now()) == ("pending", ["status"], True)
        with pytest.raises(NotAllowedError):
            undo_change(first)

    def test_undo_of_change_back_makes_first_change_pending_again(self, order, change, undo_change, hold_clock):
        change(order, "accepted")
        back = change(order, "new")
        assert Order.objects.get().sync_state == SyncState.SYNCED
        undo_change(back)
        found, push = Order.objects.get(), Push.objects.get()
        assert (found.status_id, found.sync_state, push.state) == ("accepted", SyncState.PENDING, "pending")
        assert push.due_at > hold_clock.now()


@pytest.fixture
def conflict(order, change, settings):
    """Return an order that the manager has accepted and the site has declined."""
    settings.STATUS_HOLD_SECONDS = 0
    change(order, "accepted")
    services.record_site_status(order_id=order.pk, site_status="DE", version=7, push_id=Push.objects.get().pk)
    Push.objects.all().delete()
    settings.STATUS_HOLD_SECONDS = 10
    order.refresh_from_db()
    return order


def test_undo_restores_conflict_that_change_had_resolved(hold_clock, conflict, change, undo_change):
    before = columns(conflict)
    event = change(conflict, "accepted")
    assert Order.objects.get().sync_state == SyncState.PENDING
    undo_change(event)
    assert columns(conflict) == before
    assert services.conflicting_change(Order.objects.get()) == "accepted"
    assert Push.objects.count() == 0


def test_undo_to_conflict_still_sends_later_edit(hold_clock, conflict, change, undo_change, manager):
    event = change(conflict, "accepted")
    services.edit_order(order_id=conflict.pk, changes={"comment": "срочно"}, actor=manager)
    undo_change(event)
    push = Push.objects.get()
    assert (Order.objects.get().sync_state, push.fields, push.state) == (SyncState.CONFLICT, ["comment"], "pending")


def test_undo_keeps_later_edit_of_another_field(order, change, undo_change, hold_clock, manager):
    event = change(order, "accepted")
    services.edit_order(order_id=order.pk, changes={"comment": "срочно"}, actor=manager)
    undo_change(event)
    found, push = Order.objects.get(), Push.objects.get()
    assert (found.status_id, found.comment, found.sync_state) == ("new", "срочно", SyncState.PENDING)
    assert (push.fields, push.due_at <= hold_clock.now()) == (["comment"], True)
    assert order.events.first().kind == "changed"


def test_undo_of_order_deleted_on_site_queues_nothing(order, change, undo_change, hold_clock, post_webhook):
    event = change(order, "accepted")
    post_webhook("order.delete", {"ID": "122183"})
    undo_change(event)
    found = Order.objects.get()
    assert (found.status_id, found.sync_state, Push.objects.count()) == ("new", SyncState.SYNCED, 0)


def test_undo_after_cancelled_push_makes_order_synced(order, change, undo_change, hold_clock):
    event = change(order, "accepted")
    Push.objects.get().cancel(reason="не надо")
    assert Order.objects.get().sync_state == SyncState.FAILED
    undo_change(event)
    assert Order.objects.get().sync_state == SyncState.SYNCED


def test_timeline_does_not_show_data_stored_for_undo(order, change, hold_clock):
    event = change(order, "accepted", comment="звонили")
    (entry,) = timeline([event])
    assert list(entry.notes) == ["Комментарий: звонили"]


def test_undoable_change_exists_only_within_hold_period(
    order, change, hold_clock, post_webhook, django_assert_num_queries
):
    with django_assert_num_queries(0):
        assert services.undoable_change(order) is None
    event = change(order, "accepted")
    assert services.undoable_change(Order.objects.get()) == event
    hold_clock.let_pass(10.1)
    assert services.undoable_change(Order.objects.get()) is None


def test_changes_of_batch_are_found_with_one_query_by_date(order, change, hold_clock, django_assert_num_queries):
    batch = uuid4()
    event = change(order, "accepted", batch_id=batch)
    with django_assert_num_queries(1) as queries:
        assert [found.order.order_number for found in services.changes_of_batch(batch)] == ["122183"]
    assert "happened_at" in queries.captured_queries[0]["sql"]
    assert services.changes_of_batch(uuid4()) == []
    assert services.held_until_of(event) == Order.objects.get().status_held_until


def test_released_status_is_the_last_one_whose_hold_period_is_over(order, change, hold_clock):
    change(order, "accepted")
    hold_clock.let_pass(3)
    change(order, "delivering")
    assert services.released_status(Order.objects.get()).code == "new"
    hold_clock.let_pass(8.5)  # the hold period of the first change has passed
    assert services.released_status(Order.objects.get()).code == "accepted"
    hold_clock.let_pass(3)
    assert services.released_status(Order.objects.get()).code == "delivering"
