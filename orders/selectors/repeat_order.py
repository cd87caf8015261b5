"""The initial values of a new order that repeats an earlier order, at today's prices."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext

from cvety_crm.model_fields import field_label
from orders.models import Order, OrderItem, Product
from orders.presentation.formatting import money
from orders.presentation.payment import unknown_text
from orders.rules.discounts import full_price
from orders.values.phone_masking import without_phones

COPIED_FIELDS = (
    "recipient_name",
    "recipient_phone",
    "delivery_address",
    "is_pickup",
    "is_anonymous",
    "is_surprise",
    "comment",
)
"""Fields that are copied from the earlier order. The date, postcard, discount and payment are not copied."""
REFERENCES = {"delivery_slot": "delivery_slot_id", "city": "city_id", "shop": "shop_id", "customer": "customer_id"}
"""Maps each reference field to the attribute that contains the key of the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLine:
    """An item of the new order: a product of the catalogue, or only a name.

    The price is in KZT, for one piece. It is None if it is not known or may not be shown. The quantity is None if it is
    not known.
    """

    product: Product | None
    name: str
    quantity: Decimal | None
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Draft:
    """The initial values of a new order. The keys of `fields` are the names of `orders.sync.fields`."""

    fields: dict[str, Any] = field(default_factory=dict)
    lines: list[DraftLine] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """Messages about products that are not sold any more or have a different price now."""


def draft_from(order: Order, *, with_prices: bool = True, with_phones: bool = True) -> Draft:
    """Return the initial values of a new order that repeats the order, with one query.

    Without `with_prices`, they contain no prices of the earlier order. Without `with_phones`, phones in the remarks are
    masked.
    """
    fields = {name: getattr(order, name) for name in COPIED_FIELDS}
    fields |= {name: getattr(order, attribute) for name, attribute in REFERENCES.items()}
    if with_prices:
        fields["delivery_fee"] = order.delivery_fee
    draft = Draft(fields={name: value for name, value in fields.items() if not order.is_unknown(name)})
    for name in fields:
        if order.is_unknown(name):
            typed = order.unknown_values[name]
            label = capfirst(field_label(Order, name))
            _remark(draft, _unknown_remark(label, typed if with_phones else without_phones(typed)))
    items: Sequence[OrderItem] = list(order.items.select_related("product").order_by("position", "created_at"))
    for item in items:
        product = item.product
        quantity = None if item.is_unknown("quantity") else item.quantity
        is_price_known = not item.is_unknown("price")
        for name in item.unknown_values:
            if with_prices or name == "quantity":
                label = f"{item.name}: {field_label(OrderItem, name)}"
                _remark(draft, _unknown_remark(label, item.unknown_values[name]))
        if product is None and item.bitrix_product_id is None:
            price = full_price(item) if with_prices and is_price_known else None
            _add(draft, DraftLine(product=None, name=item.name, quantity=quantity, price=price))
        elif product is None or not product.is_active:
            _remark(draft, gettext("“%(name)s” is not sold any more.") % {"name": item.name})
        else:
            _add(draft, DraftLine(product=product, name=product.name, quantity=quantity, price=product.price))
            if with_prices and is_price_known and product.price is not None and product.price != full_price(item):
                _remark(
                    draft,
                    gettext("“%(name)s” costs %(new)s now; it was %(old)s.")
                    % {"name": product.name, "new": money(product.price), "old": money(full_price(item))},
                )
    return draft


def _add(draft: Draft, line: DraftLine) -> None:
    """Add an item, and merge it with an equal item, because a discount may have split an item into two."""
    for position, known in enumerate(draft.lines):
        if known.quantity is None or line.quantity is None:
            continue
        if replace(known, quantity=line.quantity) == line:
            draft.lines[position] = replace(known, quantity=known.quantity + line.quantity)
            return
    draft.lines.append(line)


def _unknown_remark(label: str, typed: str) -> str:
    return gettext("%(label)s is not copied from the earlier order: %(value)s.") % {
        "label": label,
        "value": unknown_text(typed),
    }


def _remark(draft: Draft, remark: str) -> None:
    if remark not in draft.remarks:
        draft.remarks.append(remark)
