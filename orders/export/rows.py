"""The rows of an exported table. Memory stays flat: keys first, then the orders by pages, three queries a page.

No server-side cursor, which a transaction pooler can't keep.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from orders.export.columns import COLUMNS, Cell, Reader
from orders.models import Order, OrderItem

MOST_ROWS = 50_000
PAGE = 500


class TooMany(Exception):
    """More orders than one file takes."""


def keys_of(orders: QuerySet[Order]) -> list[UUID]:
    """Return the keys of the orders, in their order. One query. Raises `TooMany` beyond `MOST_ROWS`."""
    keys = list(orders.values_list("pk", flat=True)[: MOST_ROWS + 1])
    if len(keys) > MOST_ROWS:
        raise TooMany
    return keys


def rows(keys: Sequence[UUID], reader: Reader) -> Iterator[list[Cell]]:
    """Yield a row an order, in the keys' order, with what the reader may see. An order that is gone is left out."""
    for start in range(0, len(keys), PAGE):
        page = keys[start : start + PAGE]
        found = _orders().in_bulk(page)
        for key in page:
            if (order := found.get(key)) is not None:
                yield [column.value(order, reader) for column in COLUMNS]


def _orders() -> QuerySet[Order]:
    return (
        Order.objects.select_related("customer", "status", "city", "shop", "delivery_slot", "courier", "responsible")
        .prefetch_related(
            Prefetch("items", OrderItem.objects.only("order_id", "quantity", "product_snapshot", "position"))
        )
        .defer(
            "search",
            "metadata",
            "bitrix_state",
            "customer__search",
            "customer__preferences",
            "customer__bitrix_state",
            "status__bitrix_state",
            "city__bitrix_state",
            "shop__bitrix_state",
            "delivery_slot__bitrix_state",
        )
    )
