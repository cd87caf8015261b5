"""Tests that a locked row blocks other changes of it, and not the rows that refer to it."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from bitrix_bridge.models import Push
from cvety_crm.outbox import State
from notifications.models import TelegramMessage
from orders import services
from orders.models import EventKind, Order, OrderEvent, OrderNote, Source, Status
from orders.services.locking import lock_order, lock_orders, lock_site_order
from orders.services.status_questions import lock_statuses
from orders.sync.snapshot import OrderSnapshot
from tests.locks import waits_for_lock

pytestmark = pytest.mark.django_db(transaction=True)


LOCKS: dict[str, Callable[[Order], object]] = {
    "one order": lambda order: lock_order(order.pk),
    "several orders": lambda order: lock_orders([order.pk]),
    "an order of the site": lambda order: lock_site_order(order.bitrix_order_id),
    "an import": lambda order: services.lock_absent_orders([OrderSnapshot(bitrix_order_id=order.bitrix_order_id)]),
    "the owner of a push": lambda order: Push(order=order).lock_owner(),
}


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_locked_order_blocks_changes_of_it_and_no_rows_about_it(lone_order, lock):
    order, now = lone_order, timezone.now()
    with transaction.atomic():
        lock(order)
        assert waits_for_lock(lambda: lock_order(order.pk))
        assert waits_for_lock(lambda: Order.objects.filter(pk=order.pk).update(comment="x"))
        for row in (
            OrderNote(order=order, text="позвонить"),
            OrderEvent(order=order, kind=EventKind.NOTED, source=Source.ADMIN, happened_at=now, changes=[]),
            TelegramMessage(order=order, kind=TelegramMessage.Kind.STATUS, due_at=now),
            Push(order=order, due_at=now),
        ):
            assert not waits_for_lock(row.save), row


def test_locked_push_blocks_no_attempt_of_it(lone_order):
    push = Push.objects.create(order=lone_order, due_at=timezone.now(), state=State.SENDING)
    with transaction.atomic():
        Push.objects.select_for_update(no_key=True).get(pk=push.pk)
        assert not waits_for_lock(lambda: push.attempt_log.create(number=1, started_at=timezone.now()))


def test_statuses_that_may_be_deleted_take_no_new_orders():
    status = Status.objects.first()
    assert status is not None

    def new_order() -> None:
        Order.objects.create(pk=uuid4(), order_number=uuid4().hex[:8], status=status)

    with transaction.atomic():
        lock_statuses()
        assert not waits_for_lock(new_order)
    with transaction.atomic():
        lock_statuses(may_delete=True)
        assert waits_for_lock(new_order)
