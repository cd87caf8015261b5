"""Tests of the assignment of florists and couriers: which orders a user may take, and which assignments are refused.

The tests also check that nothing is pushed.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from bitrix_bridge.models import Push
from cvety_crm.users import User
from notifications.models import TelegramMessage
from orders import services
from orders.models import Courier, Order, OrderEvent, Status, SyncState
from orders.presentation.timeline import timeline
from orders.services import NotAllowedError


@pytest.fixture
def order(db) -> Order:
    return Order.objects.create(order_number="122225", bitrix_order_id=5, status=Status.objects.get(code="accepted"))


@pytest.fixture
def florist(db) -> User:
    return User.objects.create_user("aigerim", is_staff=True, first_name="Айгерим")


@pytest.fixture
def courier(db) -> Courier:
    return Courier.objects.create(name="Ерлан", phone="+77770001122")


def newest_entry():
    """Return the title, the changes and the notes of the newest timeline entry."""
    entry = timeline(OrderEvent.objects.select_related("actor")[:1])[0]
    return entry.title, [(change.label, change.old, change.new) for change in entry.changes], list(entry.notes)


def test_take_order_assigns_florist_and_refuses_second_one(order, manager, florist):
    services.take_order(order_id=order.pk, actor=florist)
    order.refresh_from_db()
    assert order.responsible == florist
    changes = [("Флорист", "—", "Айгерим"), ("Статус", "Принят", "В обработке")]
    assert newest_entry() == ("Букет взят", changes, ["Флорист: Айгерим"])
    with pytest.raises(NotAllowedError, match=r"Уже взял\(а\) Айгерим"):
        services.take_order(order_id=order.pk, actor=manager)
    services.take_order(order_id=order.pk, actor=florist)  # this is the second request of a double tap
    assert (Order.objects.get().responsible, OrderEvent.objects.count()) == (florist, 1)


def test_release_order_is_refused_to_all_but_its_florist(order, manager, florist):
    services.take_order(order_id=order.pk, actor=florist)
    with pytest.raises(NotAllowedError, match="Айгерим"):
        services.release_order(order_id=order.pk, actor=manager)
    services.release_order(order_id=order.pk, actor=florist)
    assert Order.objects.get().responsible is None
    assert newest_entry()[1][:2] == [("Флорист", "Айгерим", "—"), ("Кто взял", "Айгерим", "—")]
    services.take_order(order_id=order.pk, actor=manager)
    assert Order.objects.get().responsible == manager


def test_assign_florist_replaces_and_removes_present_florist(order, manager, florist):
    services.take_order(order_id=order.pk, actor=florist)
    services.assign_florist(order_id=order.pk, florist=manager, actor=manager)
    assert Order.objects.get().responsible == manager
    services.assign_florist(order_id=order.pk, florist=None, actor=manager)
    assert Order.objects.get().responsible is None
    florist.is_active = False
    with pytest.raises(NotAllowedError, match="больше не работает"):
        services.assign_florist(order_id=order.pk, florist=florist, actor=manager)
    assert Order.objects.get().responsible is None


def test_new_courier_is_marked_as_not_notified(order, manager, courier):
    services.assign_courier(order_id=order.pk, courier=courier, actor=manager)
    assert newest_entry()[1] == [("Курьер", "—", "Ерлан")]
    services.mark_courier_notified(order_id=order.pk, actor=manager)
    assert newest_entry() == ("Курьер предупреждён", [], ["Курьер: Ерлан"])
    events = OrderEvent.objects.count()
    services.mark_courier_notified(order_id=order.pk, actor=manager)
    services.assign_courier(order_id=order.pk, courier=courier, actor=manager)
    assert (OrderEvent.objects.count(), Order.objects.get().courier_notified_at is not None) == (events, True)

    # The form of the order may set a different courier with the same name.
    namesake = Courier.objects.create(name="Ерлан")
    services.edit_order(order_id=order.pk, changes={"courier": namesake, "comment": "код 12"}, actor=manager)
    order.refresh_from_db()
    assert (order.courier, order.courier_notified_at) == (namesake, None)
    assert {label for label, _old, _new in newest_entry()[1]} == {"Курьер", "Курьер предупреждён", "Пожелания клиента"}


def test_edit_of_other_fields_keeps_courier_notified(order, manager, courier):
    services.assign_courier(order_id=order.pk, courier=courier, actor=manager)
    services.mark_courier_notified(order_id=order.pk, actor=manager)
    services.edit_order(order_id=order.pk, changes={"courier": courier, "comment": "код 12"}, actor=manager)
    assert Order.objects.get().courier_notified_at is not None
    services.unmark_courier_notified(order_id=order.pk, actor=manager)
    assert Order.objects.get().courier_notified_at is None
    title, changes, _notes = newest_entry()
    assert (title, changes[0][0], changes[0][2]) == ("Заказ изменён", "Курьер предупреждён", "—")


def test_invalid_assignments_of_couriers_are_refused(order, manager, courier):
    with pytest.raises(NotAllowedError, match="Курьера ещё нет"):
        services.mark_courier_notified(order_id=order.pk, actor=manager)
    gone = Courier.objects.create(name="Азамат", is_active=False)
    with pytest.raises(NotAllowedError, match="Азамат больше не работает"):
        services.assign_courier(order_id=order.pk, courier=gone, actor=manager)
    services.assign_courier(order_id=order.pk, courier=courier, actor=manager, seen=None)
    other = Courier.objects.create(name="Серик")
    with pytest.raises(NotAllowedError, match="теперь это Ерлан"):
        services.assign_courier(order_id=order.pk, courier=other, actor=manager, seen=None)
    assert (Order.objects.get().courier, OrderEvent.objects.count()) == (courier, 1)
    Order.objects.update(is_pickup=True, courier=None)
    with pytest.raises(NotAllowedError, match="Самовывоз"):
        services.assign_courier(order_id=order.pk, courier=courier, actor=manager)


@pytest.mark.parametrize("state", SyncState.values)
def test_assignment_queues_no_push_and_no_telegram_message(order, manager, courier, state):
    Order.objects.update(sync_state=state)
    services.assign_florist(order_id=order.pk, florist=manager, actor=manager)
    services.assign_courier(order_id=order.pk, courier=courier, actor=manager)
    services.mark_courier_notified(order_id=order.pk, actor=manager)
    services.release_order(order_id=order.pk, actor=manager)
    assert (Push.objects.count(), TelegramMessage.objects.count()) == (0, 0)
    assert Order.objects.get().sync_state == state


@pytest.mark.django_db(transaction=True)
def test_only_one_of_two_simultaneous_takers_gets_the_order(manager, florist):
    status = Status.objects.get(code="accepted")
    barrier = Barrier(2)

    def take(order, user):
        try:
            barrier.wait(timeout=60)
            services.take_order(order_id=order.pk, actor=user)
            return user.pk
        except NotAllowedError:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for number in range(5):
            order = Order.objects.create(order_number=str(number), status=status)
            got = set(pool.map(take, (order, order), (manager, florist)))
            order.refresh_from_db()
            assert got == {order.responsible_id, None}
            assert order.events.count() == 1
