"""The rows of an exported table.

To limit memory, the ids are read first, and then the orders in pages, with a few queries for each page. A server-side
cursor is not used because it does not work with a connection pooler in transaction mode.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Prefetch, QuerySet

from cvety_crm.users import User
from orders.export.columns import DETAILS, Cell, Column, Reader
from orders.models import City, Courier, DeliverySlot, Order, OrderItem, PaySystem, Shop, Status

MOST_ROWS = 50_000
PAGE = 500


_NAMED: dict[str, type[Model]] = {
    "status": Status,
    "city": City,
    "shop": Shop,
    "delivery_slot": DeliverySlot,
    "courier": Courier,
    "pay_system": PaySystem,
}
_PEOPLE = ("responsible", "ready_by")
_READ = (
    *(
        "order_number",
        "delivery_date",
        "recipient_name",
        "recipient_phone",
        "recipient_other_phones",
        "delivery_address",
    ),
    *("total_amount", "paid_amount", "delivery_fee", "discount_amount", "payment_method", "payment_status"),
    *("currency", "unknown_values", "contact_name", "contact_phone", "contact_email"),
    *("source", "comment", "courier_comment", "postcard_text", "created_at", "bitrix_order_id"),
    *("taken_at", "ready_at", *_PEOPLE, *_NAMED),
)
"""The columns of an order that a row needs. A missing column would cost a query for each row. A test counts queries."""

_READ_FOR_DETAILS = ("metadata", "customer__email")


class TooManyRowsError(Exception):
    """The error that there are more orders than one file may contain."""


def ids_of(orders: QuerySet[Order]) -> list[UUID]:
    """Return the ids of the orders, sorted as in the queryset, with one query.

    Raise `TooManyRowsError` if there are more than `MOST_ROWS` orders.
    """
    keys = list(orders.values_list("pk", flat=True)[: MOST_ROWS + 1])
    if len(keys) > MOST_ROWS:
        raise TooManyRowsError
    return keys


def rows(keys: Sequence[UUID], user: User | AnonymousUser, columns: Sequence[Column]) -> Iterator[list[Cell]]:
    """Yield one row for each id, with the values that the user may see. Orders that no longer exist are left out."""
    reader, details = Reader(user), DETAILS in columns
    for start in range(0, len(keys), PAGE):
        page = keys[start : start + PAGE]
        found = _orders(details=details).in_bulk(page)
        for key in page:
            if (order := found.get(key)) is not None:
                yield [column.value(order, reader) for column in columns]


def _orders(*, details: bool) -> QuerySet[Order]:
    """Return orders with all data that the columns need. The orders of a page share objects, such as statuses."""
    names = [Prefetch(name, model._default_manager.all()) for name, model in _NAMED.items()]
    people = [Prefetch(name, User.objects.only("username", "first_name", "last_name")) for name in _PEOPLE]
    items = Prefetch(
        "items",
        OrderItem.objects.only("order_id", "quantity", "product_snapshot", "unknown_values", "position"),
        to_attr="exported_items",
    )
    return (
        Order.objects.select_related("customer")
        .prefetch_related(items, *people, *names)
        .only(
            *_READ,
            *(_READ_FOR_DETAILS if details else ()),
            "customer__name",
            "customer__phone",
            "customer__other_phones",
        )
    )
