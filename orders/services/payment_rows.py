"""The payments of an order follow its paid sum, also if the site or an import has changed it."""

from collections.abc import Sequence
from datetime import datetime

from orders.events import OrderChange
from orders.models import REPORTED_BY_SITE, Order, Payment, Source
from orders.rules.payment_rows import Row, missing_rows
from orders.sync.snapshot import PaymentSnapshot

PAID = "paid_amount"


def on_order_change(change: OrderChange) -> None:
    """Add the payments that an order lacks after a change of its paid sum. `orders.events` calls this first."""
    order, event = change.order, change.event
    source = Source(event.source)
    if change.is_new and source in REPORTED_BY_SITE:
        return  # the creation from a snapshot has added them
    if order.paid_amount if change.is_new else PAID in change.changed_fields:
        follow_paid_amount(order, source=source, actor_id=event.actor_id, at=event.happened_at, is_new=change.is_new)


def follow_paid_amount(
    order: Order,
    *,
    source: Source,
    at: datetime,
    actor_id: int | None = None,
    site: Sequence[PaymentSnapshot] = (),
    is_new: bool = False,
) -> None:
    """Add the payments that the order lacks, so that their sum is the paid amount. An unknown amount adds none.

    `site` are the payments that the site has reported, and `is_new` means that the order can't have payments yet.
    """
    if order.is_unknown(PAID):
        return
    rows = [] if is_new else _rows(order)
    missing = missing_rows(rows, paid=order.paid_amount, method=order.payment_method, site=site)
    Payment.objects.bulk_create(
        Payment(
            order=order,
            amount=row.amount,
            method=row.method,
            paid_at=row.paid_at or at,
            taken_by_id=actor_id,
            source=source,
            bitrix_payment_id=row.bitrix_payment_id,
        )
        for row in missing
    )


def _rows(order: Order) -> list[Row]:
    return [
        Row(amount, method, key)
        for amount, method, key in order.payments.values_list("amount", "method", "bitrix_payment_id")
    ]
