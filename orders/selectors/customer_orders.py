"""The earlier orders of a customer, for the page of an order.

The queries are limited, because the site's placeholder for customers without an account has 100,000 orders.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, F, Q, Sum

from orders.models import Order, Stage
from orders.rules.payment import sum_is_counted

SHOWN = 5
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class CustomerOrders:
    """The orders of a customer. The order whose page is open is counted but not listed.

    Cancelled orders are listed, but they are not included in the count and in the total.
    """

    latest: list[Order]
    count: int
    total: Decimal | None
    """The total of the known sums in KZT, or None if there are more orders than `MOST_COUNTED`."""

    @property
    def has_more(self) -> bool:
        """Return whether there are more orders than were counted."""
        return self.total is None

    @property
    def is_regular(self) -> bool:
        """Return whether the customer has two orders or more."""
        return self.count > 1 or self.has_more


def customer_orders_of(order: Order) -> CustomerOrders | None:
    """Return the orders of the order's customer, with two queries, or None if the order has no customer."""
    if order.customer_id is None:
        return None
    # The site's clock has seconds, so several orders may have one time. An order that only the CRM has is the newest.
    newest_first = ("-created_at", F("bitrix_order_id").desc(nulls_first=True), "-pk")
    orders = Order.objects.filter(customer=order.customer_id).order_by(*newest_first)
    latest = orders.exclude(pk=order.pk).select_related("status", "delivery_slot")
    columns = ("total_amount", "currency", "unknown_values", "is_cancelled", "status__stage")
    counted = orders.values(*columns)[: MOST_COUNTED + 1]
    is_kept = Q(is_cancelled=False) & ~Q(status__stage=Stage.CANCELLED)
    totals = counted.aggregate(
        all=Count("total_amount"),
        kept=Count("total_amount", filter=is_kept),
        total=Sum("total_amount", filter=is_kept & sum_is_counted(), default=Decimal(0)),
    )
    has_more = totals["all"] > MOST_COUNTED
    return CustomerOrders(
        latest=list(latest.only(*_COLUMNS)[:SHOWN]),
        count=totals["kept"],
        total=None if has_more else totals["total"],
    )


_COLUMNS = (
    "order_number",
    "status",
    "delivery_date",
    "delivery_slot",
    "total_amount",
    "currency",
    "unknown_values",
    "created_at",
    "is_cancelled",
    "recipient_name",
)
