"""The rows of other tables that the order list shows. Each table is read with one query for all orders of a page."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, Model, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import MD5, Left, NullIf

from cvety_crm.users import User
from orders.models import (
    City,
    Courier,
    Customer,
    DeliverySlot,
    Order,
    OrderItem,
    OrderPhoto,
    PaySystem,
    PhotoApproval,
    Status,
)
from orders.product_pictures.links import DIGITS, picture_url
from orders.rules.photo_state import state_of
from orders.values.phone_masking import start_of

_Orders = Sequence[Any]
"""Instances of `orders.admin.rows.row_context.OrderRow`, whose module imports this one."""
TEXT_LENGTH = 500
"""The number of characters of each text of an order that a row reads. The site stores no longer addresses, but its
customers can send texts of 10,000 characters."""
_CUSTOMER_TEXTS = ("name", "phone", "other_phones")


def set_related_rows(orders: _Orders, statuses: Mapping[str, Status], shown: Collection[str]) -> None:
    """Set the relations of the orders that a row shows, and their items (`row_items`) and `photo_state`.

    `statuses` contains all statuses by code, and `shown` the keys of the shown columns. Make at most one query for each
    table, and none for a table to which no order refers.
    """
    _set_relation(orders, "status", statuses)
    _read_relation(orders, "delivery_slot", DeliverySlot.objects.only("bitrix_id", "name", "starts_at", "ends_at"))
    _read_relation(orders, "city", City.objects.only("bitrix_id", "name"))
    _read_relation(orders, "courier", Courier.objects.only("name"))
    _read_relation(orders, "responsible", User.objects.only("first_name", "last_name", "username"))
    _read_relation(orders, "pay_system", PaySystem.objects.only("bitrix_id", "name"))
    if "customer" in shown:
        _set_customers(orders)
    if "composition" in shown:
        _set_items(orders)
    if "notes" in shown:
        _set_photo_states(orders)


def _read_relation(orders: _Orders, name: str, rows: QuerySet[Any]) -> Mapping[Any, Any]:
    """Set a relation of the orders to those of the rows to which they refer. Return these rows by their keys."""
    field = _field(name)
    keys = {key for order in orders if (key := getattr(order, field.attname)) is not None}
    target: str = field.target_field.name
    found: Mapping[Any, Any] = rows.order_by().in_bulk(keys, field_name=target) if keys else {}
    _set_relation(orders, name, found)
    return found


def _set_relation(orders: _Orders, name: str, rows: Mapping[Any, Model]) -> None:
    """Set a relation as a prefetch of Django does. A row that is not given is read when it is needed."""
    field = _field(name)
    for order in orders:
        row = rows.get(getattr(order, field.attname))
        if row is not None:
            field.set_cached_value(order, row)


def _field(name: str) -> Any:
    return Order._meta.get_field(name)


def _set_customers(orders: _Orders) -> None:
    starts = {f"{name}_start": Left(name, TEXT_LENGTH + 1) for name in _CUSTOMER_TEXTS}
    for customer in _read_relation(orders, "customer", Customer.objects.only("pk").annotate(**starts)).values():
        for name in _CUSTOMER_TEXTS:
            setattr(customer, name, start_of(getattr(customer, f"{name}_start"), TEXT_LENGTH))


def _set_items(orders: _Orders) -> None:
    # The row needs the addresses of pictures only for the URLs, which contain digests of them.
    items = (
        OrderItem.objects.filter(order__in=[order.pk for order in orders])
        .only("order_id", "quantity", "unknown_values", "position", "product_id")
        .annotate(
            name_start=Left(KeyTextTransform("name", "product_snapshot"), TEXT_LENGTH + 1),
            product_picture=_digest(F("product__image_url")),
            line_picture=_digest(KeyTextTransform("picture", "product_snapshot")),
        )
    )
    found: dict[UUID, list[OrderItem]] = defaultdict(list)
    for item in items:
        item.picture = _picture_url(item)  # type: ignore[attr-defined]
        item.product_snapshot = {"name": start_of(item.name_start or "", TEXT_LENGTH)}
        found[item.order_id].append(item)
    for order in orders:
        order.row_items = found[order.pk]


def _digest(address: Combinable) -> Left:
    return Left(MD5(NullIf(address, Value(""))), DIGITS)


def _picture_url(item: Any) -> str:
    if item.product_picture and item.product_id:
        return picture_url(item.product_id, item.product_picture)
    return picture_url(item.pk, item.line_picture, is_item=True) if item.line_picture else ""


def _set_photo_states(orders: _Orders) -> None:
    photos: dict[UUID, list[OrderPhoto]] = defaultdict(list)
    for photo in OrderPhoto.objects.filter(order__in=[order.pk for order in orders]).only("order_id", "withdrawn_at"):
        photos[photo.order_id].append(photo)
    approvals: Mapping[UUID, PhotoApproval] = {}
    if photos:
        read = PhotoApproval.objects.filter(order__in=list(photos)).only("order_id", "answer", "nonce", "expires_at")
        approvals = {approval.order_id: approval for approval in read}
    for order in orders:
        order.photo_state = state_of(photos[order.pk], approvals.get(order.pk))
