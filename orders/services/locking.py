"""Functions that lock an order before it is changed, and set its sync state afterwards."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import connection
from django.db.models import Q

from orders.models import Order, SyncState
from orders.sync.agreement import Agreement
from orders.sync.fields import ITEMS, PUSHED, Line, order_values


def lock_order(order_id: UUID) -> Order:
    """Return the order, locked until the end of the transaction. Raise `Order.DoesNotExist` if it does not exist."""
    # The query has no joins: after waiting for the lock, PostgreSQL compares the new row with the old joined row, so
    # an order whose status changed during the wait would not be found.
    return Order.objects.select_for_update(no_key=True).get(pk=order_id)


def lock_orders(order_ids: Iterable[UUID]) -> list[Order]:
    """Lock these orders until the end of the transaction. Return those that exist, with only their ids loaded."""
    # All transactions lock orders sorted by id, so they can't deadlock.
    return list(Order.objects.select_for_update(no_key=True).filter(pk__in=list(order_ids)).order_by("pk").only("pk"))


def lock_site_order(bitrix_order_id: int, crm_order_id: UUID | None = None) -> Order | None:
    """Lock and return the order with the id `bitrix_order_id` on the site.

    If the site's id of the order is not known yet, find the order by `crm_order_id`, its primary key. If there is no
    such order, lock its creation until the end of the transaction, and return None.
    """
    known = Q(bitrix_order_id=bitrix_order_id)
    if crm_order_id is not None:
        known |= Q(pk=crm_order_id, bitrix_order_id=None)
    order = _find(known)
    if order is None:
        lock_creation([bitrix_order_id])
        # Another transaction may have created the order during the wait for the lock. That is rare, so the cheaper
        # `exists` comes first.
        if Order.objects.filter(known).exists():
            order = _find(known)
    return order


def lock_creation(bitrix_order_ids: Iterable[int]) -> None:
    """Lock the creation of orders with these ids on the site until the end of the transaction, sorted by id."""
    lock_names(map(creation_lock, sorted(bitrix_order_ids)))


def creation_lock(bitrix_order_id: int) -> str:
    """Return the name that is locked while an order with this id on the site is created."""
    return f"order {bitrix_order_id}"


def lock_names(names: Iterable[str]) -> None:
    """Lock names until the end of the transaction, in this sequence. A name stands for a row that may not exist yet."""
    if _is_dry_run.get():
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(%s::text[]) AS name", [list(names)]
        )


@contextmanager
def dry_run() -> Iterator[None]:
    """Skip all locks of names in this context. Use it for a long transaction that will be rolled back.

    PostgreSQL keeps these locks until the transaction ends, in a table of a few thousand entries that all sessions
    share. When the table is full, no session can lock anything. Unique indexes still prevent duplicates.
    """
    token = _is_dry_run.set(True)
    try:
        yield
    finally:
        _is_dry_run.reset(token)


_is_dry_run: ContextVar[bool] = ContextVar("dry_run", default=False)


def _find(known: Q) -> Order | None:
    # `select_related` saves the query for the customer in an update of the order.
    orders = list(
        Order.objects.select_for_update(no_key=True, of=("self",))
        .select_related("customer", "customer_before_merge")
        .filter(known)
    )
    return min(orders, key=lambda order: order.bitrix_order_id is None) if orders else None


def unsent_fields(order: Order, agreement: Agreement, items: Sequence[Line] | None = None) -> list[str]:
    """Return the names of the fields with a pending change. Pass `items` if they are loaded, which saves a query."""
    return agreement.unsent(order_values(order, PUSHED, items))


def settle_sync_state(
    order: Order, agreement: Agreement, items: Sequence[Line] | None = None, *, is_pending_change: bool = False
) -> None:
    """Set the order's sync state after a change.

    A failure is kept until there is a new pending change (`is_pending_change`), and as long as the site can't store one
    of our values. A conflict is kept until it is resolved. Omit `items` only if this transaction did not change them.
    """
    if order.has_left_site:
        order.sync_state = SyncState.SYNCED  # the site no longer has the order
        return
    names = PUSHED
    if items is None and order.sync_state == SyncState.SYNCED:
        names = tuple(name for name in PUSHED if name != ITEMS)  # the items of a synced order are agreed on
    ours = order_values(order, names, items)
    agreement.forget_request_unless(ours)
    agreement.forget_refusals_unless(ours)
    if order.bitrix_order_id is None or agreement.unsent(ours):
        if order.sync_state == SyncState.SYNCED or (is_pending_change and order.sync_state == SyncState.FAILED):
            order.sync_state = SyncState.PENDING
    elif order.sync_state != SyncState.CONFLICT:
        order.sync_state = SyncState.FAILED if agreement.refused else SyncState.SYNCED


def save_pending(order: Order, columns: Iterable[str], items: Sequence[Line] | None = None) -> None:
    """Save these columns after staff have changed fields that the site has, with the new sync state."""
    agreement = Agreement.from_json(order.bitrix_state)
    settle_sync_state(order, agreement, items, is_pending_change=True)
    order.bitrix_state = agreement.as_json()
    order.save(update_fields=[*columns, "bitrix_state", "sync_state", "updated_at"])
