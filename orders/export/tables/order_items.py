"""What orders contain: their compositions, and the details that the site has sent."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.db.models.fields.json import KT
from django.utils.translation import gettext

from orders.export.cells import Cell
from orders.export.pages import Page
from orders.export.reader import Reader
from orders.export.tables.order_values import DAY, typed_texts
from orders.models import Customer, Order, OrderItem
from orders.presentation.composition import composition, goods_text, item_name
from orders.presentation.details import item_details, order_details

DETAIL_FIELDS = (
    "metadata", "contact_name", "contact_phone", "contact_email",
    "customer__name", "customer__phone", "customer__email", DAY,
)  # fmt: skip
"""The fields of an order that its details need."""


class _Item(NamedTuple):
    """The values of an item that the composition needs. A model takes ten times as long to create."""

    name: str
    quantity: Decimal
    unknown_values: Mapping[str, Any]


def compositions(page: Page, reader: Reader) -> Sequence[Cell]:
    """Return the products of each order with their quantities."""
    return typed_texts(page.once(_compositions), reader)


def _compositions(page: Page) -> Sequence[str]:
    rows = (
        OrderItem.objects.filter(order__in=page.keys)
        .order_by("position", "created_at")
        .values_list("order_id", KT("product_snapshot__name"), "quantity", "unknown_values")
    )
    unnamed = gettext("Product without a name")
    items: dict[UUID, list[_Item]] = {}
    for order, name, quantity, unknown in rows:
        items.setdefault(order, []).append(_Item(name or unnamed, quantity, unknown))
    return [
        "; ".join(map(goods_text, composition(cast("list[OrderItem]", items[key]), phones=True)))
        if key in items
        else ""
        for key in page.keys
    ]


def details(page: Page, reader: Reader) -> Sequence[Cell]:
    """Return the details of each order, and of each item that has any, with one detail on each line."""
    items: dict[UUID, list[OrderItem]] = {}
    rows = OrderItem.objects.filter(order__in=page.keys).order_by("position", "created_at")
    for order, snapshot in rows.values_list("order_id", "product_snapshot"):
        items.setdefault(order, []).append(OrderItem(product_snapshot=snapshot))
    orders = zip(page.keys, *(page[name] for name in DETAIL_FIELDS), strict=True)
    return [
        _details(
            Order(
                metadata=metadata,
                contact_name=name,
                contact_phone=phone,
                contact_email=email,
                customer=None if of_customer is None else Customer(name=of_customer, phone=its_phone, email=its_email),
            ),
            items.get(key, ()),
            phones=reader.sees_phones,
            prices=reader.sees_prices(day),
        )
        for key, metadata, name, phone, email, of_customer, its_phone, its_email, day in orders
    ]


def _details(order: Order, items: Sequence[OrderItem], *, phones: bool, prices: bool) -> str:
    found = order_details(order, phones=phones, prices=prices)
    lines = [f"{detail.label}: {detail.value}" for detail in found if not detail.is_hidden]
    for item in items:
        of_item = item_details(item, phones=phones, prices=prices)
        lines += [
            f"{item_name(item, phones=phones)}: {detail.label}: {detail.value}"
            for detail in of_item
            if not detail.is_hidden
        ]
    return "\n".join(lines)
