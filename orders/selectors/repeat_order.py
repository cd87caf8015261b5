"""An order once more: what of an earlier one a new one takes over, at today's prices."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext

from orders.models import Order, OrderItem, Product
from orders.presentation.formatting import money
from orders.rules.discounts import full_price

TAKEN_OVER = (
    "recipient_name",
    "recipient_phone",
    "delivery_address",
    "is_pickup",
    "is_anonymous",
    "is_surprise",
    "comment",
)
"""Fields that say the same of the next order; its day, postcard, discount and payment are its own."""
REFERENCES = {"delivery_slot": "delivery_slot_id", "city": "city_id", "shop": "shop_id", "customer": "customer_id"}
"""Field -> the attribute that holds the key of the row it points at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLine:
    """A line to order: a product of the catalogue, or free text. KZT for one piece; None: to be asked."""

    product: Product | None
    name: str
    quantity: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A new order as far as an earlier one tells it. `fields` go by their names in `orders.sync.fields`, as keys."""

    fields: dict[str, Any] = field(default_factory=dict)
    lines: list[DraftLine] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What is different today, in words."""


def draft_from(order: Order, *, with_prices: bool = True) -> Draft:
    """Return a draft of the same order; `with_prices` says whether sums of the earlier one may be told. One query."""
    fields = {name: getattr(order, name) for name in TAKEN_OVER}
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
    """Add a line; pieces that a discount has made a line of their own are with the others again."""
    for position, known in enumerate(draft.lines):
        if replace(known, quantity=line.quantity) == line:
            draft.lines[position] = replace(known, quantity=known.quantity + line.quantity)
            return
    draft.lines.append(line)


def _remark(draft: Draft, remark: str) -> None:
    if remark not in draft.remarks:
        draft.remarks.append(remark)
