"""Locking an order before it is changed, and setting its sync state afterwards."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import connection
from django.db.models import Q

from orders.models import Order, SyncState
from orders.sync.fields import ITEMS, PUSHED, Line, order_values
from orders.sync.three_way_merge import Agreement


def lock_order(order_id: UUID) -> Order:
    """Return the order, locked until the end of the transaction. Raises `Order.DoesNotExist`."""
    # Without joins: PostgreSQL checks a joined row again after waiting for the lock, but as it was before the wait.
    # An order whose status changes during the wait would not be found at all.
    return Order.objects.select_for_update().get(pk=order_id)


def lock_orders(order_ids: Iterable[UUID]) -> list[Order]:
    """Return these orders, those that there are, locked until the end of the transaction, with no field but the key."""
    # Always in the same order: two transactions that lock the same orders must not wait for each other.
    return list(Order.objects.select_for_update().filter(pk__in=list(order_ids)).order_by("pk").only("pk"))


def lock_site_order(bitrix_order_id: int, crm_order_id: UUID | None = None) -> Order | None:
    """Return the order with this id on the site (or created here with this key), locked; None if there is none.

    When there is none, the right to create it is held until the end of the transaction.
    """
    known = Q(bitrix_order_id=bitrix_order_id)
    if crm_order_id is not None:
        known |= Q(pk=crm_order_id, bitrix_order_id=None)
    order = _find(known)
    if order is None:
        lock_creation([bitrix_order_id])
        # Another transaction that held the right may have created it. Mostly not: the whole row is not queried at once.
        if Order.objects.filter(known).exists():
            order = _find(known)
    return order


def lock_creation(bitrix_order_ids: Iterable[int]) -> None:
    """Hold the right to create these orders of the site until the end of the transaction, taken in a fixed order."""
    lock_names(f"order {key}" for key in sorted(bitrix_order_ids))


def lock_names(names: Iterable[str]) -> None:
    """Lock names until the end of the transaction, in the given order: of what has no row to lock yet."""
    if _is_dry_run.get():
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS name", [list(names)]
        )


@contextmanager
def dry_run() -> Iterator[None]:
    """Take no locks by name in this context: for one long transaction that will be rolled back.

    PostgreSQL keeps such locks until its end, in a table of a few thousand that all sessions share: when that is full,
    no session can lock anything. Unique indexes prevent duplicates.
    """
    token = _is_dry_run.set(True)
    try:
        yield
    finally:
        _is_dry_run.reset(token)


_is_dry_run: ContextVar[bool] = ContextVar("dry_run", default=False)


def _find(known: Q) -> Order | None:
    # "customer" comes along, so that an update of a known customer's order needs no query for it.
    orders = list(Order.objects.select_for_update(of=("self",)).select_related("customer").filter(known))
    return min(orders, key=lambda order: order.bitrix_order_id is None) if orders else None


def unsent_fields(order: Order, agreement: Agreement, items: Sequence[Line] | None = None) -> list[str]:
    """Return the fields that are pending. Pass `items` when they are loaded, to save a query."""
    return agreement.unsent(order_values(order, PUSHED, items))


def settle_sync_state(
    order: Order, agreement: Agreement, items: Sequence[Line] | None = None, *, is_pending_change: bool = False
) -> None:
    """Set the order's sync state after a change.

    A failure stays until there is a new change of this side (`is_pending_change`), or as long as the site can't hold
    what is ours; a conflict until it is resolved. `items` may be left out when this transaction has not touched them.
    """
    if order.has_left_site:
        order.sync_state = SyncState.SYNCED  # nothing is left to synchronise with
        return
    names = PUSHED
    if items is None and order.sync_state == SyncState.SYNCED:
        names = tuple(name for name in PUSHED if name != ITEMS)  # they were agreed on before, so they are now
    ours = order_values(order, names, items)
    agreement.forget_request_unless(ours)
    agreement.forget_refusals_unless(ours)
    if order.bitrix_order_id is None or agreement.unsent(ours):
        if order.sync_state == SyncState.SYNCED or (is_pending_change and order.sync_state == SyncState.FAILED):
            order.sync_state = SyncState.PENDING
    elif order.sync_state != SyncState.CONFLICT:
        order.sync_state = SyncState.FAILED if agreement.refused else SyncState.SYNCED
