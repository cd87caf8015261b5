"""The data that a row of the order list needs in addition to the order itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import urlencode

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Func, IntegerField, OuterRef, Prefetch, QuerySet, Subquery, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import MD5, Left, NullIf
from django.http import HttpRequest

from cvety_crm.users import AnyUser
from orders.admin.permissions import may_assign, may_change_status, may_edit, may_make
from orders.admin.rows.chosen_view import list_query
from orders.models import Order, OrderItem, OrderNote, Status
from orders.product_pictures.links import DIGITS, picture_url
from orders.rules.next_step import Step, next_step, rights_of, situation_of
from orders.selectors.presets import DEFAULT, PARAMETER
from orders.values.phone_masking import start_of

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations  # the stubs are not installed in production

COUNTED_AT_MOST = 100
"""The limit up to which a customer's orders and an order's notes are counted. The site has one customer for all unknown
people, and this customer has a hundred thousand orders."""
NOTE_LENGTH = 200  # characters read from the database
TEXT_LENGTH = 500
"""The number of characters of each text of an order that a row reads. The site stores no longer addresses, but its
customers can send texts of 10,000 characters."""
_TEXTS = (
    "delivery_address", "comment", "postcard_text", "recipient_name", "recipient_phone", "recipient_other_phones",
)  # fmt: skip
_CUSTOMER_TEXTS = ("name", "phone", "other_phones")
_NOT_READ = (
    *_TEXTS, "courier_comment", *(f"customer__{name}" for name in _CUSTOMER_TEXTS),
    *(f"customer__{name}" for name in ("search", "preferences", "bitrix_state", "note")),
)  # fmt: skip


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
    seen_by: AnyUser
    next_step: Step | None
    rights: RowRights
    list_query: str


_RELATED = ("customer", "status", "city", "delivery_slot", "courier", "responsible", "pay_system", "photo_approval")
"""The relations that a row shows."""

if TYPE_CHECKING:
    OrderRow = WithAnnotations[Order, RowDetails]
else:
    OrderRow = Order


def version(order: Order) -> str:
    """Return a string that differs after each change of the order."""
    return f"{order.updated_at.timestamp():.6f}"


def with_row_details(orders: QuerySet[Order]) -> QuerySet[OrderRow]:
    """Return the orders with their items, photos, last note, and counts of notes and of the customer's orders.

    Reading the orders takes three queries. The database cuts all texts, so the cost of a row does not depend on their
    length. `set_row_context` puts the cut texts in the fields of the orders, which are only for reading.
    """
    customers_orders = Order.objects.filter(customer=OuterRef("customer")).order_by().values("pk")
    notes = OrderNote.objects.filter(order=OuterRef("pk"))
    last_note = notes.order_by("-created_at").annotate(start=Left("text", Value(NOTE_LENGTH + 1))).values("start")[:1]
    starts = {f"{name}_start": Left(name, TEXT_LENGTH + 1) for name in _TEXTS}
    starts |= {f"customer_{name}_start": Left(f"customer__{name}", TEXT_LENGTH + 1) for name in _CUSTOMER_TEXTS}
    found = (
        orders.select_related(*_RELATED)
        .prefetch_related(
            Prefetch("items", _items()),
            "photos",
        )
        .defer(*_NOT_READ)
        .annotate(
            **starts,
            customer_orders=_count(customers_orders),
            notes_count=_count(notes.order_by().values("pk")),
            last_note=Subquery(last_note, output_field=TextField()),
        )
    )
    return cast("QuerySet[OrderRow]", found)  # `set_row_context` adds the rest of the attributes


def set_row_context(orders: Iterable[OrderRow], request: HttpRequest, statuses: Mapping[str, Status]) -> None:
    """Set the attributes on each order that depend on the request, and its texts, which the database has cut.

    The attributes that depend on the request are `seen_by`, `rights`, `next_step` and `list_query`, which lets the
    order's page return to the list with the filters of this request. `statuses` contains all statuses by code.
    """
    rights, links_query = RowRights.of(request), _list_query(request)
    of_steps = rights_of(request.user)
    for order in orders:
        _set_texts(order)
        order.seen_by = request.user
        order.rights = rights
        order.list_query = links_query
        order.next_step = next_step(situation_of(order, statuses, request.user), of_steps)


def _list_query(request: HttpRequest) -> str:
    """Return the query string of the links to orders. `list_query` finds the list of a request of htmx."""
    query = list_query(request).urlencode()
    # The list without a query string is also named, so that the order's page has links to the orders beside it.
    return f"?{urlencode({'_changelist_filters': query or f'{PARAMETER}={DEFAULT}'})}"


def _items() -> QuerySet[OrderItem]:
    name = Left(KeyTextTransform("name", "product_snapshot"), TEXT_LENGTH + 1)
    # The row needs the addresses of pictures only for the URLs, which contain digests of them.
    return OrderItem.objects.only("order_id", "quantity", "unknown_values", "position", "product_id").annotate(
        name_start=name,
        product_picture=_digest(F("product__image_url")),
        line_picture=_digest(KeyTextTransform("picture", "product_snapshot")),
    )


def _digest(address: Combinable) -> Left:
    return Left(MD5(NullIf(address, Value(""))), DIGITS)


def _set_texts(order: OrderRow) -> None:
    for name in _TEXTS:
        setattr(order, name, start_of(getattr(order, f"{name}_start"), TEXT_LENGTH))
    if order.customer is not None:
        for name in _CUSTOMER_TEXTS:
            setattr(order.customer, name, start_of(getattr(order, f"customer_{name}_start") or "", TEXT_LENGTH))
    order.last_note = start_of(order.last_note or "", NOTE_LENGTH)
    for item in order.items.all():
        item.picture = _picture_url(item)  # type: ignore[attr-defined]
        item.product_snapshot = {"name": start_of(getattr(item, "name_start") or "", TEXT_LENGTH)}  # noqa: B009


def _picture_url(item: Any) -> str:
    if item.product_picture and item.product_id:
        return picture_url(item.product_id, item.product_picture)
    return picture_url(item.pk, item.line_picture, is_item=True) if item.line_picture else ""


def _count(rows: QuerySet) -> Func:
    return Func(ArraySubquery(rows[:COUNTED_AT_MOST]), function="cardinality", output_field=IntegerField())
