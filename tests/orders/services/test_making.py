"""Tests of the making of a bouquet: taken, ready, made again, with and without a status of the site for it."""

from datetime import timedelta

import pytest

from bitrix_bridge.models import Push
from cvety_crm.users import User
from notifications.models import TelegramMessage
from orders import services
from orders.models import EventKind, Order, OrderEvent, Status, SyncState
from orders.rules.making import Making, making_of
from orders.services import NotAllowedError
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def florist(db) -> User:
    return User.objects.create_user("aigerim", is_staff=True, first_name="Айгерим")


@pytest.fixture
def measured(manager):
    """Load the profile in which the site has «Собран» and «Готов к доставке», but no status of the making."""
    services.load_profile(name="measured", actor=manager)


@pytest.fixture
def make(post_webhook):
    """Return a function that returns an order that the site has in this status."""

    def order(status="AP", number=5, **more):
        post_webhook("order.create", order_data(ID=str(number), STATUS_ID=status, **more))
        return Order.objects.get(bitrix_order_id=number)

    return order


def facts(order):
    order.refresh_from_db()
    return making_of(order)


def site_sets(post_webhook, order, status):
    post_webhook("order.update", next_version(order_data(ID=str(order.bitrix_order_id)), STATUS_ID=status))
    order.refresh_from_db()


def changed(order, kind):
    return [change["field"] for change in order.events.filter(kind=kind)[0].changes]


def test_bouquet_is_taken_and_ready_where_the_site_has_no_status_for_ready(make, florist):
    order = make()
    services.take_order(order_id=order.pk, actor=florist)
    order.refresh_from_db()
    assert (order.responsible, order.taken_by, order.taken_at is not None) == (florist, florist, True)
    assert (order.status_id, order.sync_state) == ("processing", SyncState.PENDING)
    assert changed(order, EventKind.TAKEN) == ["responsible", "taken_by", "taken_at", "status"]

    pushes = Push.objects.count()
    services.mark_ready(order_id=order.pk, actor=florist)
    order.refresh_from_db()
    assert (order.ready_by, order.ready_at is not None, order.status_id) == (florist, True, "processing")
    assert changed(order, EventKind.READY) == ["ready_by", "ready_at"]
    assert Push.objects.count() == pushes


def test_ready_sets_the_status_of_the_site_for_it_and_take_no_status_of_a_remake(measured, make, florist):
    order = make()
    services.take_order(order_id=order.pk, actor=florist)
    order.refresh_from_db()
    assert (order.status_id, order.sync_state, Push.objects.count()) == ("confirmed", SyncState.SYNCED, 0)
    services.mark_ready(order_id=order.pk, actor=florist)
    order.refresh_from_db()
    assert (order.status_id, order.sync_state, Push.objects.count()) == ("assembled", SyncState.PENDING, 1)


def test_second_tap_changes_nothing(make, florist, manager):
    order = make()
    for service in (services.take_order, services.mark_ready):
        service(order_id=order.pk, actor=florist)
        before, events = facts(order), OrderEvent.objects.count()
        if service is services.mark_ready:
            service(order_id=order.pk, actor=manager)
        else:
            service(order_id=order.pk, actor=florist)
        assert (facts(order), OrderEvent.objects.count()) == (before, events)


@pytest.mark.parametrize(
    ("status", "service", "message"),
    [
        ("N", "take_order", "ещё не принят"),
        ("N", "mark_ready", "ещё не принят"),
        ("AP", "mark_ready", "ещё никто не взял"),
        ("PD", "take_order", "уже уехал"),
        ("PD", "mark_ready", "уже уехал"),
        ("F", "take_order", "закрыт"),
        ("F", "mark_ready", "закрыт"),
        ("AP", "mark_taken", "нет флориста"),
    ],
)
def test_step_that_would_skip_another_is_refused(make, florist, status, service, message):
    order = make(status)
    events = OrderEvent.objects.count()
    with pytest.raises(NotAllowedError, match=message):
        getattr(services, service)(order_id=order.pk, actor=florist)
    assert (facts(order), OrderEvent.objects.count()) == (Making(), events)


def test_bouquet_that_is_ready_can_not_be_taken(measured, make, florist):
    order = make("CO")
    with pytest.raises(NotAllowedError, match="уже готов"):
        services.take_order(order_id=order.pk, actor=florist)


def test_assignment_is_not_the_taking_and_its_change_clears_it(make, florist, manager):
    order = make()
    services.assign_florist(order_id=order.pk, florist=florist, actor=manager)
    assert facts(order) == Making()
    services.mark_taken(order_id=order.pk, actor=manager)
    assert facts(order).taken_by == florist.pk
    assert order.events.filter(kind=EventKind.TAKEN)[0].details["florist"] == "Айгерим"

    services.assign_florist(order_id=order.pk, florist=manager, actor=manager)
    assert facts(order) == Making()
    assert changed(order, EventKind.CHANGED) == ["responsible", "taken_by", "taken_at"]
    services.take_order(order_id=order.pk, actor=manager)
    services.release_order(order_id=order.pk, actor=manager)
    assert (facts(order), order.responsible) == (Making(), None)


def test_facts_of_a_ready_bouquet_stay_when_the_florist_changes(make, florist, manager):
    order = make()
    services.take_order(order_id=order.pk, actor=florist)
    services.mark_ready(order_id=order.pk, actor=florist)
    before = facts(order)
    services.assign_florist(order_id=order.pk, florist=manager, actor=manager)
    assert facts(order) == before


def test_remake_keeps_the_florist_and_sets_the_status_of_a_remake(measured, make, florist, manager):
    order = make()
    services.take_order(order_id=order.pk, actor=florist)
    services.mark_ready(order_id=order.pk, actor=florist)
    services.remake_order(order_id=order.pk, actor=manager, comment=" без  лилий ")
    found = facts(order)
    assert (found.taken_by, found.ready_at, order.status_id) == (florist.pk, None, "reassemble")
    assert order.events.filter(kind=EventKind.REMADE)[0].details["comment"] == "без лилий"
    events = OrderEvent.objects.count()
    services.remake_order(order_id=order.pk, actor=manager)
    assert OrderEvent.objects.count() == events


def test_remake_is_refused_where_the_status_does_not_allow_it(measured, make, manager):
    order = make("DE")
    Order.objects.update(ready_at=order.created_at)
    with pytest.raises(NotAllowedError, match="нельзя вернуться к сборке"):
        services.remake_order(order_id=order.pk, actor=manager)
    assert facts(order).ready_at is not None


def test_status_chosen_by_staff_sets_the_facts(measured, make, florist, manager):
    order = make()
    services.change_status(order_id=order.pk, status="assembled", actor=manager)
    found = facts(order)
    assert (found.taken_at, found.ready_by, found.ready_at is not None) == (None, manager.pk, True)
    assert changed(order, EventKind.STATUS) == ["status", "ready_by", "ready_at"]
    services.change_status(order_id=order.pk, status="reassemble", actor=manager)
    assert facts(order) == Making()


def test_status_of_the_site_sets_the_facts_without_a_person(measured, make, post_webhook):
    order = make()
    site_sets(post_webhook, order, "CO")
    found = facts(order)
    assert (found.ready_by, found.ready_at is not None, found.taken_at) == (None, True, None)
    assert changed(order, EventKind.STATUS) == ["status", "ready_at"]
    events = OrderEvent.objects.count()
    site_sets(post_webhook, order, "CO")
    assert (facts(order), OrderEvent.objects.count()) == (found, events)


def test_order_that_leaves_without_the_facts_has_none(measured, make, post_webhook):
    order = make()
    site_sets(post_webhook, order, "DE")
    assert facts(order) == Making()
    site_sets(post_webhook, order, "F")
    assert facts(order) == Making()


def test_new_order_of_the_site_in_a_status_of_the_making_has_the_fact(measured, make):
    ready = make("CO", number=6)
    assert ready.ready_at is not None
    assert changed(ready, EventKind.CREATED) == ["ready_at"]
    assert making_of(make("RO", number=7)) == Making()


def test_status_of_a_conflict_is_left_to_a_manager(make, florist):
    order = make()
    Order.objects.update(sync_state=SyncState.CONFLICT)
    services.take_order(order_id=order.pk, actor=florist)
    order.refresh_from_db()
    assert (order.status_id, order.sync_state, order.taken_by) == ("accepted", SyncState.CONFLICT, florist)


def columns(order):
    return {
        key: value for key, value in Order.objects.filter(pk=order.pk).values().get().items() if key != "updated_at"
    }


@pytest.mark.parametrize("profile", ["specification", "measured"])
def test_each_fact_can_be_undone_within_the_hold_period(make, florist, manager, hold_clock, profile):
    services.load_profile(name=profile, actor=manager)
    order = make()
    for service in (services.take_order, services.mark_ready, services.remake_order):
        before, messages = columns(order), TelegramMessage.objects.count()
        service(order_id=order.pk, actor=florist)
        order.refresh_from_db()
        event = services.undoable_change(order) or order.events.first()
        services.undo_status(order_id=order.pk, event_id=event.pk, actor=florist)
        assert columns(order) == before
        assert TelegramMessage.objects.count() == messages
        service(order_id=order.pk, actor=florist)
        hold_clock.let_pass(60)
        Order.objects.update(status_held_until=None)
        order.refresh_from_db()


def test_fact_can_not_be_undone_later(measured, make, florist, hold_clock):
    order = make()
    services.take_order(order_id=order.pk, actor=florist)
    event = order.events.get(kind=EventKind.TAKEN)
    hold_clock.let_pass(60)
    with pytest.raises(NotAllowedError, match="Поздно"):
        services.undo_status(order_id=order.pk, event_id=event.pk, actor=florist)
    assert facts(order).taken_by == florist.pk


def test_earlier_step_can_not_be_undone_after_a_fact(measured, make, florist, manager, hold_clock):
    order = make("N")
    services.change_status(order_id=order.pk, status="confirmed", actor=manager)
    event = order.events.get(kind=EventKind.STATUS)
    services.take_order(order_id=order.pk, actor=florist)
    with pytest.raises(NotAllowedError, match="букет уже взяли"):
        services.undo_status(order_id=order.pk, event_id=event.pk, actor=manager)


def test_ready_bouquet_is_reported_in_telegram_without_a_status(make, florist):
    order = make("P")
    services.take_order(order_id=order.pk, actor=florist)
    before = TelegramMessage.objects.count()
    services.mark_ready(order_id=order.pk, actor=florist)
    assert order.events.get(kind=EventKind.READY).changes[0]["field"] == "ready_by"
    assert TelegramMessage.objects.count() == before + 1


def test_person_is_added_to_a_fact_that_the_site_has_set(make, florist, post_webhook):
    order = make()
    site_sets(post_webhook, order, "P")
    at = facts(order).taken_at
    assert at is not None
    services.take_order(order_id=order.pk, actor=florist)
    assert facts(order) == Making(taken_by=florist.pk, taken_at=at)
    assert Status.objects.get(code=order.status_id).stage == "making"
    assert order.taken_at <= order.updated_at + timedelta(seconds=1)
