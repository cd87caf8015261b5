"""The data that a row of the order list needs in addition to the order itself."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import urlencode

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Left
from django.http import HttpRequest

from cvety_crm.users import AnyUser
from orders.admin.permissions import may_assign, may_change_status, may_edit, may_make
from orders.admin.rows.chosen_view import list_query
from orders.admin.rows.related_rows import TEXT_LENGTH, set_related_rows
from orders.models import Order, OrderItem, OrderNote, Status
from orders.rules.next_step import Step, next_step, rights_of, situation_of
from orders.rules.photo_state import PhotoState
from orders.selectors.presets import DEFAULT, PARAMETER
from orders.values.phone_masking import start_of

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations  # the stubs are not installed in production

COUNTED_AT_MOST = 100
"""The limit up to which a customer's orders and an order's notes are counted. The site has one customer for all unknown
people, and this customer has a hundred thousand orders."""
NOTE_LENGTH = 200  # characters read from the database
_TEXTS = (
    "delivery_address", "comment", "postcard_text", "recipient_name", "recipient_phone", "recipient_other_phones",
)  # fmt: skip
_COLUMNS = (
    "order_number", "updated_at", "status_id", "sync_state", "problem", "unknown_values",
    "is_stub", "is_cancelled", "is_deleted_on_site", "is_archived_on_site",
    "delivery_date", "delivery_slot_id", "city_id", "is_pickup", "is_anonymous", "is_surprise",
    "customer_id", "contact_name", "contact_phone",
    "total_amount", "paid_amount", "currency", "payment_method", "payment_status", "pay_system_id",
    "responsible_id", "taken_by_id", "taken_at", "ready_at", "courier_id", "courier_notified_at",
)  # fmt: skip
"""The columns that a row reads as they are. The database cuts those in `_TEXTS`."""


@dataclass(frozen=True, slots=True)
class RowRights:
    """What the user who sees the list may change in its rows."""

    may_move: bool = False
    """Whether the user may set any allowed status."""
    may_make: bool = False
    """Whether the user may take orders."""
    may_assign: bool = False
    may_edit: bool = False

    @classmethod
    def of(cls, request: HttpRequest) -> "RowRights":
        """Return the rights of the user of this request."""
        return cls(may_change_status(request), may_make(request), may_assign(request), may_edit(request))


class RowDetails(TypedDict):
    """The attributes that `with_row_details` and `set_row_context` add to an order."""

    customer_orders: int
    notes_count: int
    last_note: str | None
    row_items: Sequence[OrderItem]
    photo_state: PhotoState
    seen_by: AnyUser
    next_step: Step | None
    rights: RowRights
    list_query: str


if TYPE_CHECKING:
    OrderRow = WithAnnotations[Order, RowDetails]
else:
    OrderRow = Order


def version(order: Order) -> str:
    """Return a string that differs after each change of the order."""
    return f"{order.updated_at.timestamp():.6f}"


def with_row_details(orders: QuerySet[Order], shown: Collection[str]) -> QuerySet[OrderRow]:
    """Return the orders with what a row shows of them, of their notes, and of the number of the customer's orders.

    `shown` contains the keys of the shown columns. The database cuts all texts, so the cost of a row does not depend on
    their length. `set_row_context` puts the cut texts in the fields of the orders, which are only for reading, and
    reads the rows of other tables: with a join for each of them, PostgreSQL took ten times as long to plan the query as
    to run it.
    """
    details: dict[str, Any] = {f"{name}_start": Left(name, TEXT_LENGTH + 1) for name in _TEXTS}
    if "customer" in shown:
        details["customer_orders"] = _count(Order.objects.filter(customer=OuterRef("customer")))
    if "notes" in shown:
        notes = OrderNote.objects.filter(order=OuterRef("pk"))
        start = notes.order_by("-created_at").values(start=Left("text", Value(NOTE_LENGTH + 1)))
        details["notes_count"] = _count(notes)
        details["last_note"] = Subquery(start[:1], output_field=TextField())
    found = orders.select_related(None).only(*_COLUMNS).annotate(**details)
    return cast("QuerySet[OrderRow]", found)  # `set_row_context` adds the rest of the attributes


def set_row_context(
    orders: Sequence[OrderRow], request: HttpRequest, statuses: Mapping[str, Status], shown: Collection[str]
) -> None:
    """Set the attributes on each order that depend on the request, the rows of other tables, and the cut texts.

    The attributes that depend on the request are `seen_by`, `rights`, `next_step` and `list_query`, which lets the
    order's page return to the list with the filters of this request. `statuses` contains all statuses by code, and
    `shown` the keys of the shown columns.
    """
    rights, links_query = RowRights.of(request), _list_query(request)
    of_steps = rights_of(request.user)
    set_related_rows(orders, statuses, shown)
    for order in orders:
        _set_texts(order)
        if "notes" in shown:
            order.last_note = start_of(order.last_note or "", NOTE_LENGTH)
        order.seen_by = request.user
        order.rights = rights
        order.list_query = links_query
        order.next_step = next_step(situation_of(order, statuses, request.user), of_steps)


def _list_query(request: HttpRequest) -> str:
    """Return the query string of the links to orders. `list_query` finds the list of a request of htmx."""
    query = list_query(request).urlencode()
    # The list without a query string is also named, so that the order's page has links to the orders beside it.
    return f"?{urlencode({'_changelist_filters': query or f'{PARAMETER}={DEFAULT}'})}"


def _set_texts(order: OrderRow) -> None:
    for name in _TEXTS:
        setattr(order, name, start_of(getattr(order, f"{name}_start"), TEXT_LENGTH))


def _count(rows: QuerySet) -> Func:
    found = ArraySubquery(rows.order_by().values("pk")[:COUNTED_AT_MOST])
    return Func(found, function="cardinality", output_field=IntegerField())
