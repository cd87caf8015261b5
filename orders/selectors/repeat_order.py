"""Repeating an order: the draft of a new order with data of an earlier one, at today's prices."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext

from orders.models import Order, OrderItem, Product
from orders.presentation.formatting import money
from orders.rules.discounts import full_price

COPIED_FIELDS = (
    "recipient_name",
    "recipient_phone",
    "delivery_address",
    "is_pickup",
    "is_anonymous",
    "is_surprise",
    "comment",
)
"""Fields that are copied into the draft; date, postcard, discount and payment are not."""
REFERENCES = {"delivery_slot": "delivery_slot_id", "city": "city_id", "shop": "shop_id", "customer": "customer_id"}
"""Field -> the attribute with the key of the row that it refers to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLine:
    """A line of the draft: a product of the catalogue, or a text. The price is KZT for one piece; None if unknown."""

    product: Product | None
    name: str
    quantity: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A new order with data of an earlier one. The keys of `fields` are names as in `orders.sync.fields`."""

    fields: dict[str, Any] = field(default_factory=dict)
    lines: list[DraftLine] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """Texts about products that are not sold any more or have another price."""


def draft_from(order: Order, *, with_prices: bool = True) -> Draft:
    """Return a draft that repeats the order, with one query.

    Without `with_prices` it contains no price of the earlier order.
    """
    fields = {name: getattr(order, name) for name in COPIED_FIELDS}
    fields |= {name: getattr(order, attribute) for name, attribute in REFERENCES.items()}
    if with_prices:
        fields["delivery_fee"] = order.delivery_fee
    draft = Draft(fields=fields)
    items: Sequence[OrderItem] = list(order.items.select_related("product").order_by("position", "created_at"))
    for item in items:
        product = item.product
        if product is None and item.bitrix_product_id is None:
            price = full_price(item) if with_prices else None
            _add(draft, DraftLine(product=None, name=item.name, quantity=item.quantity, price=price))
        elif product is None or not product.is_active:
            _remark(draft, gettext("“%(name)s” is not sold any more.") % {"name": item.name})
        else:
            _add(draft, DraftLine(product=product, name=product.name, quantity=item.quantity, price=product.price))
            if with_prices and product.price is not None and product.price != full_price(item):
                _remark(
                    draft,
                    gettext("“%(name)s” costs %(new)s now; it was %(old)s.")
                    % {"name": product.name, "new": money(product.price), "old": money(full_price(item))},
                )
    return draft


def _add(draft: Draft, line: DraftLine) -> None:
    """Add a line, merging it with an equal one, because a discount may have split off one piece of a line."""
    for position, known in enumerate(draft.lines):
        if replace(known, quantity=line.quantity) == line:
            draft.lines[position] = replace(known, quantity=known.quantity + line.quantity)
            return
    draft.lines.append(line)


def _remark(draft: Draft, remark: str) -> None:
    if remark not in draft.remarks:
        draft.remarks.append(remark)
