"""The data that a row of the order list needs in addition to the order itself."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypedDict, cast

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, OuterRef, Prefetch, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Left
from django.http import HttpRequest

from cvety_crm.users import AnyUser
from orders.models import Order, OrderItem, OrderNote, Status

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations  # the stubs are not installed in production

COUNTED_AT_MOST = 100
"""The limit up to which a customer's orders and an order's notes are counted. The site has one customer for all unknown
people, and this customer has a hundred thousand orders."""
NOTE_LENGTH = 200  # characters read from the database


class RowDetails(TypedDict):
    """The attributes that `with_row_details` and `set_row_context` add to an order."""

    customer_orders: int
    notes_count: int
    last_note: str | None
    seen_by: AnyUser
    next_step: Status | None
    is_swap: bool


if TYPE_CHECKING:
    OrderRow = WithAnnotations[Order, RowDetails]
else:
    OrderRow = Order


def version(order: Order) -> str:
    """Return a string that differs after each change of the order."""
    return f"{order.updated_at.timestamp():.6f}"


def with_row_details(orders: QuerySet[Order]) -> QuerySet[OrderRow]:
    """Return the orders with their items, photos, last note, and counts of notes and of the customer's orders.

    Reading the orders takes three queries.
    """
    customers_orders = Order.objects.filter(customer=OuterRef("customer")).order_by().values("pk")
    notes = OrderNote.objects.filter(order=OuterRef("pk"))
    last_note = notes.order_by("-created_at").annotate(start=Left("text", Value(NOTE_LENGTH))).values("start")[:1]
    found = (
        orders.select_related("customer", "status", "city", "delivery_slot", "courier", "responsible", "photo_approval")
        .prefetch_related(
            Prefetch("items", OrderItem.objects.only("order_id", "quantity", "product_snapshot", "position")),
            "photos",
        )
        .annotate(
            customer_orders=_count(customers_orders),
            notes_count=_count(notes.order_by().values("pk")),
            last_note=Subquery(last_note, output_field=TextField()),
        )
    )
    return cast("QuerySet[OrderRow]", found)  # `set_row_context` adds the rest of the attributes


def set_row_context(
    orders: Iterable[OrderRow],
    request: HttpRequest,
    statuses: Mapping[str, Status],
    *,
    may_move: bool,
    is_swap: bool = False,
) -> None:
    """Set the attributes on each order that depend on the request: `seen_by`, `next_step` and `is_swap`.

    `may_move` is True if the user may change statuses. `is_swap` means that htmx replaces the row on an open page.
    """
    for order in orders:
        order.seen_by = request.user
        order.is_swap = is_swap
        codes = order.status.next_codes if may_move and not order.is_deleted_on_site else []
        step = next((statuses[code] for code in codes if code in statuses and not statuses[code].is_questioned), None)
        # One tap must not set a final status, which can't be changed back.
        order.next_step = step if step is not None and not step.is_final else None


def _count(rows: QuerySet) -> Func:
    return Func(ArraySubquery(rows[:COUNTED_AT_MOST]), function="cardinality", output_field=IntegerField())
