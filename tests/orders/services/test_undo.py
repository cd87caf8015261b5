"""Taking a status back: what it restores, what it refuses and why, and that it leaves no trace."""

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
    """Set a status and return the timeline entry of it."""

    def set_status(order, status, **more):
        services.change_status(order_id=order.pk, status=status, actor=manager, **more)
        return order.events.filter(kind="status").first()

    return set_status


@pytest.fixture
def take_back(manager):
    def undo(event):
        return services.undo_status(order_id=event.order_id, event_id=event.pk, actor=manager)

    return undo


def columns(order):
    """Return every column of the order but the time of its last writing."""
    return {
        key: value for key, value in Order.objects.filter(pk=order.pk).values().get().items() if key != "updated_at"
    }


def test_it_is_as_if_it_had_not_been(order, change, take_back, grace):
    before, events = columns(order), list(OrderEvent.objects.values_list("pk"))
    event = change(order, "accepted", comment="поторопились")
    assert (Order.objects.get().status_id, Push.objects.count()) == ("accepted", 1)
    assert TelegramMessage.objects.filter(event=event).exists()
    grace.let_pass(9)
    assert take_back(event).status_id == "new"
    assert columns(order) == before
    assert list(OrderEvent.objects.values_list("pk")) == events
    assert Push.objects.count() == 0
    assert not TelegramMessage.objects.filter(kind="status").exists()


def test_who_took_it_back_is_in_the_log(order, change, take_back, grace, caplog):
    with caplog.at_level(logging.INFO, logger="orders.services.undo"):
        take_back(change(order, "accepted"))
    assert "122183: manager has undone" in caplog.text


def test_a_final_status_opens_the_order_again(order, change, take_back, grace):
    Status.objects.filter(code="new").update(next_codes=["cancelled"])
    event = change(order, "cancelled")
    assert Order.objects.get().completed_at is not None
    take_back(event)
    assert Order.objects.get().completed_at is None


def test_an_order_that_was_completed_before_keeps_that_time(order, change, take_back, grace):
    order.completed_at = grace.now()
    order.save(update_fields=["completed_at"])
    take_back(change(order, "accepted"))
    assert Order.objects.get().completed_at == order.completed_at


@pytest.mark.parametrize("passed", [10.1, 600])
def test_after_the_grace_time_it_is_refused(order, change, take_back, grace, passed):
    event = change(order, "accepted")
    grace.let_pass(passed)
    with pytest.raises(NotAllowedError, match="уже отправлен"):
        take_back(event)
    assert Order.objects.get().status_id == "accepted"
    assert OrderEvent.objects.filter(pk=event.pk).exists()


def test_without_a_grace_time_nothing_can_be_taken_back(order, change, take_back, settings):
    settings.STATUS_HOLD_SECONDS = 0
    event = change(order, "accepted")
    assert (event.details, Order.objects.get().status_held_until) == ({}, None)
    with pytest.raises(NotAllowedError):
        take_back(event)


def test_twice_is_refused(order, change, take_back, grace):
    event = change(order, "accepted")
    take_back(event)
    with pytest.raises(NotAllowedError, match="уже отменён"):
        take_back(event)


def test_an_event_of_another_order_is_refused(order, change, grace, manager, post_webhook):
    event = change(order, "accepted")
    post_webhook("order.create", order_data(ID="5", ACCOUNT_NUMBER="5"))
    other = Order.objects.get(bitrix_order_id=5)
    with pytest.raises(NotAllowedError):
        services.undo_status(order_id=other.pk, event_id=event.pk, actor=manager)
    assert Order.objects.get(pk=order.pk).status_id == "accepted"


def test_what_was_changed_again_since_is_refused(order, change, take_back, grace):
    first = change(order, "accepted")
    change(order, "delivering")
    with pytest.raises(NotAllowedError, match="уже сменили"):
        take_back(first)
    assert Order.objects.get().status_id == "delivering"


def test_when_the_site_has_set_another_it_is_refused(order, change, take_back, grace, post_webhook):
    event = change(order, "accepted")
    post_webhook("order.update", next_version(order_data(), STATUS_ID="DE"))
    with pytest.raises(NotAllowedError, match="Сайт уже поставил другой статус"):
        take_back(event)
    found = Order.objects.get()
    assert (found.status_id, found.sync_state, found.status_held_until) == ("declined", SyncState.CONFLICT, None)


def test_when_the_site_has_set_the_same_it_is_refused(order, change, take_back, grace, post_webhook):
    event = change(order, "accepted")
    post_webhook("order.update", next_version(order_data(), STATUS_ID="AP"))
    with pytest.raises(NotAllowedError, match="На сайте уже этот статус"):
        take_back(event)
    assert (Order.objects.get().status_id, Order.objects.get().sync_state) == ("accepted", SyncState.SYNCED)


def test_what_the_site_has_set_is_not_ours_to_take_back(order, take_back, grace, post_webhook):
    post_webhook("order.update", next_version(order_data(), STATUS_ID="AP"))
    with pytest.raises(NotAllowedError):
        take_back(order.events.first())


def test_what_is_on_its_way_is_refused_whatever_the_clock_says(order, change, take_back, grace):
    event = change(order, "accepted")
    grace.let_pass(11.1)
    assert services.note_sending(order_id=order.pk, values={"status": "accepted"})
    grace.let_pass(-5)  # the clock of another machine
    with pytest.raises(NotAllowedError, match="уже отправлен"):
        take_back(event)


def test_what_telegram_was_told_is_refused_whatever_the_clock_says(order, change, take_back, grace):
    event = change(order, "accepted")
    grace.let_pass(11.1)
    assert services.release_status(order_id=order.pk, event_id=event.pk) is None
    grace.let_pass(-5)
    with pytest.raises(NotAllowedError, match="уже отправлен"):
        take_back(event)


class TestTwoInARow:
    """Accepted at once, on its way three seconds later."""

    @pytest.fixture
    def both(self, order, change, grace):
        first = change(order, "accepted")
        grace.let_pass(3)
        return first, change(order, "delivering")

    def test_both_are_taken_back_one_after_the_other(self, order, both, take_back, grace):
        grace.let_pass(5)
        for event, left in zip(reversed(both), ("accepted", "new"), strict=True):
            assert take_back(event).status_id == left
        assert Push.objects.count() == 0
        assert (Order.objects.get().sync_state, Order.objects.get().status_held_until) == (SyncState.SYNCED, None)

    def test_the_first_leaves_at_once_when_its_own_time_is_over(self, order, both, take_back, grace):
        first, second = both
        grace.let_pass(8)
        take_back(second)
        found, push = Order.objects.get(), Push.objects.get()
        assert (found.status_id, found.sync_state) == ("accepted", SyncState.PENDING)
        assert (push.state, push.fields, push.due_at <= grace.now()) == ("pending", ["status"], True)
        with pytest.raises(NotAllowedError):
            take_back(first)

    def test_back_and_forth(self, order, change, take_back, grace):
        change(order, "accepted")
        back = change(order, "new")
        assert Order.objects.get().sync_state == SyncState.SYNCED
        take_back(back)
        found, push = Order.objects.get(), Push.objects.get()
        assert (found.status_id, found.sync_state, push.state) == ("accepted", SyncState.PENDING, "pending")
        assert push.due_at > grace.now()


@pytest.fixture
def conflict(order, change, settings):
    """The site has declined what was to be accepted."""
    settings.STATUS_HOLD_SECONDS = 0
    change(order, "accepted")
    services.record_site_status(order_id=order.pk, site_status="DE", version=7, push_id=Push.objects.get().pk)
    Push.objects.all().delete()
    settings.STATUS_HOLD_SECONDS = 10
    order.refresh_from_db()
    return order


def test_a_conflict_that_was_decided_is_one_again(grace, conflict, change, take_back):
    before = columns(conflict)
    event = change(conflict, "accepted")
    assert Order.objects.get().sync_state == SyncState.PENDING
    take_back(event)
    assert columns(conflict) == before
    assert services.conflicting_change(Order.objects.get()) == "accepted"
    assert Push.objects.count() == 0


def test_in_a_conflict_an_edit_in_between_is_sent_all_the_same(grace, conflict, change, take_back, manager):
    event = change(conflict, "accepted")
    services.edit_order(order_id=conflict.pk, changes={"comment": "срочно"}, actor=manager)
    take_back(event)
    push = Push.objects.get()
    assert (Order.objects.get().sync_state, push.fields, push.state) == (SyncState.CONFLICT, ["comment"], "pending")


def test_an_edit_in_between_stays(order, change, take_back, grace, manager):
    event = change(order, "accepted")
    services.edit_order(order_id=order.pk, changes={"comment": "срочно"}, actor=manager)
    take_back(event)
    found, push = Order.objects.get(), Push.objects.get()
    assert (found.status_id, found.comment, found.sync_state) == ("new", "срочно", SyncState.PENDING)
    assert (push.fields, push.due_at <= grace.now()) == (["comment"], True)
    assert order.events.first().kind == "changed"


def test_an_order_that_the_site_has_deleted(order, change, take_back, grace, post_webhook):
    event = change(order, "accepted")
    post_webhook("order.delete", {"ID": "122183"})
    take_back(event)
    found = Order.objects.get()
    assert (found.status_id, found.sync_state, Push.objects.count()) == ("new", SyncState.SYNCED, 0)


def test_what_staff_have_stopped_sending_is_settled(order, change, take_back, grace):
    event = change(order, "accepted")
    Push.objects.get().cancel(reason="не надо")
    assert Order.objects.get().sync_state == SyncState.FAILED
    take_back(event)
    assert Order.objects.get().sync_state == SyncState.SYNCED


def test_the_timeline_shows_nothing_of_what_is_kept_for_it(order, change, grace):
    event = change(order, "accepted", comment="звонили")
    (entry,) = timeline([event])
    assert list(entry.notes) == ["Комментарий: звонили"]


def test_what_is_offered(order, change, grace, post_webhook, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert services.undoable_change(order) is None
    event = change(order, "accepted")
    assert services.undoable_change(Order.objects.get()) == event
    grace.let_pass(10.1)
    assert services.undoable_change(Order.objects.get()) is None


def test_the_changes_of_one_action_are_found_by_index(order, change, grace, django_assert_num_queries):
    batch = uuid4()
    event = change(order, "accepted", batch_id=batch)
    with django_assert_num_queries(1) as queries:
        assert [found.order.order_number for found in services.changes_of_batch(batch)] == ["122183"]
    assert "happened_at" in queries.captured_queries[0]["sql"]
    assert services.changes_of_batch(uuid4()) == []
    assert services.held_until_of(event) == Order.objects.get().status_held_until


def test_what_others_are_told_meanwhile(order, change, grace):
    change(order, "accepted")
    grace.let_pass(3)
    change(order, "delivering")
    assert services.released_status(Order.objects.get()).code == "new"
    grace.let_pass(8.5)  # the first one's time is over
    assert services.released_status(Order.objects.get()).code == "accepted"
    grace.let_pass(3)
    assert services.released_status(Order.objects.get()).code == "delivering"
