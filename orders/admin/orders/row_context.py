"""What a row of the order list needs besides the order itself."""

from collections.abc import Iterable, Mapping

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, OuterRef, Prefetch, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Left
from django.http import HttpRequest

from orders.models import Order, OrderItem, OrderNote, Status

COUNTED_AT_MOST = 100
"""Orders of a customer, or notes of an order, that are counted; a customer whom the site uses for all strangers has a
hundred thousand orders."""
NOTE_LENGTH = 200  # characters that are read


def with_row_details(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Return the orders with items, photos, the last note, and how many orders the customer has. Queries: 1 + 2."""
    customers_orders = Order.objects.filter(customer=OuterRef("customer")).order_by().values("pk")
    notes = OrderNote.objects.filter(order=OuterRef("pk"))
    last_note = notes.order_by("-created_at").annotate(start=Left("text", Value(NOTE_LENGTH))).values("start")[:1]
    return (
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


def broadcast_rows(
    orders: Iterable[Order], request: HttpRequest, statuses: Mapping[str, Status], *, may_move: bool
) -> None:
    """Tell each order who looks at it, and which step comes next for him."""
    for order in orders:
        order.seen_by = request.user  # type: ignore[attr-defined]
        codes = order.status.next_codes if may_move and not order.is_deleted_on_site else []
        step = next((statuses[code] for code in codes if code in statuses), None)
        # One tap must not lead to where there is no way back from.
        order.next_step = step if step is not None and not step.is_final else None  # type: ignore[attr-defined]


def _count(rows: QuerySet) -> Func:
    return Func(ArraySubquery(rows[:COUNTED_AT_MOST]), function="cardinality", output_field=IntegerField())
