"""The same once more: a draft of a new order after an old one, with today's prices and what is no longer sold said.

Nothing is written: the draft fills a form, which a person looks at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from orders.formatting import money
from orders.models import Customer, Order, OrderItem, Product

TAKEN = (
    "recipient_name",
    "recipient_phone",
    "delivery_address",
    "delivery_slot",
    "city",
    "shop",
    "is_pickup",
    "is_anonymous",
    "is_surprise",
    "comment",
    "courier_comment",
    "delivery_fee",
    "payment_method",
)
"""Fields that are likely to be the same. Date, postcard, discount, payment and courier are not."""


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A line to order: a product on sale at today's price, or the words and the price of the old line. KZT."""

    product: Product | None
    name: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """What a new order may start from."""

    origin: Order
    customer: Customer | None
    fields: Mapping[str, Any]
    """By their names in `orders.fields`: keys of rows, values of the rest."""
    lines: list[DraftLine]
    remarks: list[str]
    """What the person should know: prices that have changed, what is no longer sold."""


def draft_from(order: Order) -> OrderDraft:
    """Return a draft of a new order like this one. One query, for the items with their products.

    Read the order with its customer, city, shop and delivery slot.
    """
    lines, remarks = [], []
    for item in order.items.select_related("product").order_by("position", "created_at"):
        line, remark = _line(item)
        lines.append(line)
        if remark:
            remarks.append(remark)
    fields = {name: _key(order, name) for name in TAKEN}
    for name in ("delivery_slot", "city", "shop"):
        row = getattr(order, name)
        if row is not None and not row.is_active:
            fields.pop(name)
            remarks.append(gettext("“%(name)s” can't be chosen any more.") % {"name": row})
    return OrderDraft(origin=order, customer=order.customer, fields=fields, lines=lines, remarks=remarks)


def order_to_repeat(key: str) -> Order | None:
    """Return the order with this key from an address, as `draft_from` needs it; None when there is none."""
    try:
        wanted = UUID(key)
    except (ValueError, ValidationError):
        return None
    orders = Order.objects.select_related("customer", "city", "shop", "delivery_slot")
    return orders.filter(pk=wanted).first()


def _line(item: OrderItem) -> tuple[DraftLine, str]:
    product = item.product
    if product is None:
        return DraftLine(None, item.name, item.quantity, item.price), ""
    if not product.is_active:
        remark = gettext("“%(name)s” is no longer sold: the line has its old name and price.") % {"name": item.name}
        return DraftLine(None, item.name, item.quantity, item.price), remark
    if product.price is None:
        remark = gettext("“%(name)s” has no price now: the old one is taken.") % {"name": item.name}
        return DraftLine(product, product.name, item.quantity, item.price), remark
    remark = ""
    if product.price != item.price:
        remark = gettext("“%(name)s”: %(old)s before, %(new)s now.") % {
            "name": product.name,
            "old": money(item.price),
            "new": money(product.price),
        }
    return DraftLine(product, product.name, item.quantity, product.price), remark


def _key(order: Order, name: str) -> Any:
    return getattr(order, f"{name}_id") if name in ("delivery_slot", "city", "shop") else getattr(order, name)
