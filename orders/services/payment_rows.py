"""The payments of an order follow its paid sum, also if the site or an import has changed it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from cvety_crm.bulk_writes import Writes
from orders.events import OrderChange
from orders.models import Order, Payment, Source
from orders.rules.payment_rows import Row, missing_rows
from orders.sync.snapshot import PaymentSnapshot

PAID = "paid_amount"


def on_order_changes(changes: Sequence[OrderChange], writes: Writes) -> None:
    """Add the payments that orders lack after changes of their paid sums. `orders.events` calls this first."""
    changed = [
        change
        for change in changes
        if not change.has_payments
        and not change.order.is_unknown(PAID)
        and (change.order.paid_amount if change.is_new else PAID in change.changed_fields)
    ]
    stored = payments_of(change.order for change in changed if not change.is_new)
    for change in changed:
        order, event = change.order, change.event
        writes.insert(
            *lacking_payments(
                order,
                stored.get(order.pk, ()),
                source=Source(event.source),
                actor_id=event.actor_id,
                at=event.happened_at,
            )
        )


def payments_of(orders: Iterable[Order]) -> dict[UUID, list[Row]]:
    """Return the stored payments of these orders, with one query, or none if there are no orders."""
    found: dict[UUID, list[Row]] = defaultdict(list)
    keys = [order.pk for order in orders]
    if keys:
        rows = Payment.objects.filter(order__in=keys)
        for order_id, amount, method, key in rows.values_list("order", "amount", "method", "bitrix_payment_id"):
            found[order_id].append(Row(amount, method, key))
    return found


def lacking_payments(
    order: Order,
    stored: Sequence[Row],
    *,
    source: Source,
    at: datetime,
    actor_id: int | None = None,
    site: Sequence[PaymentSnapshot] = (),
) -> list[Payment]:
    """Return the payments that the order lacks, unsaved, so that their sum is the paid amount.

    `site` are the payments that the site has reported. An unknown amount needs none.
    """
    if order.is_unknown(PAID):
        return []
    return [
        Payment(
            order=order,
            amount=row.amount,
            method=row.method,
            paid_at=row.paid_at or at,
            taken_by_id=actor_id,
            source=source,
            bitrix_payment_id=row.bitrix_payment_id,
        )
        for row in missing_rows(stored, paid=order.paid_amount, method=order.payment_method, site=site)
    ]
