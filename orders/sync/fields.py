"""The fields of an order that both sides have, and the form in which their values are compared.

A field has the same name in this module, in `OrderSnapshot.fields` and in timeline entries. `Field.attribute` is the
name of the attribute of `Order`. The comparable form of a value is plain JSON: money is a string with two decimals, and
a date is a string in ISO 8601.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol

from orders.models import Order

CENT = Decimal("0.01")
UNIT = Decimal("0.0001")
"""The precision of the price of one piece."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field that both sides have. Only the site changes a field whose `is_pushed` is false."""

    name: str
    attribute: str
    empty: Any
    is_pushed: bool = True
    sent_as: Mapping[Any, Any] = field(default_factory=dict)
    """Maps values that only the CRM has to the values that the site has instead."""
    can_be_cleared: bool = True
    """Whether the site allows an empty value."""
    never_echo: frozenset[Any] = frozenset()
    """Values that always count as a change made on the site, even if they may be the echo of a push."""
    follows: str = ""
    """The field from which both sides compute this one. A merge uses the values of the same side for both fields."""


FIELDS: Mapping[str, Field] = {
    one.name: one
    for one in (
        Field("order_number", "order_number", "", is_pushed=False),
        Field("bitrix_user_id", "bitrix_user_id", None, is_pushed=False),
        # What was typed with the order. The customer may have other contacts, or staff have chosen another customer.
        Field("contact_name", "contact_name", "", is_pushed=False),
        Field("contact_phone", "contact_phone", "", is_pushed=False),
        Field("contact_email", "contact_email", "", is_pushed=False),
        Field("status", "status_id", ""),
        Field("recipient_name", "recipient_name", ""),
        Field("recipient_phone", "recipient_phone", ""),
        # The site has both in one property, which is sent if the phone is changed.
        Field("recipient_other_phones", "recipient_other_phones", "", is_pushed=False),
        Field("delivery_address", "delivery_address", ""),
        Field("delivery_date", "delivery_date", None),
        Field("delivery_slot", "delivery_slot_id", None),
        Field("city", "city_id", None),
        Field("shop", "shop_id", None),
        Field("postcard_text", "postcard_text", ""),
        Field("comment", "comment", ""),
        Field("courier_comment", "courier_comment", ""),
        Field("total_amount", "total_amount", "0.00"),
        Field("delivery_fee", "delivery_fee", "0.00"),
        # Both sides compute the discount from the items, which are pushed.
        Field("discount_amount", "discount_amount", "0.00", is_pushed=False, follows="items"),
        Field("paid_amount", "paid_amount", "0.00", is_pushed=False),
        Field("currency", "currency", "KZT", is_pushed=False),
        # On the site each payment has a pay system, so the field can't be empty.
        Field("payment_method", "payment_method", "", can_be_cleared=False),
        # PAYED is Y or N on the site. If a customer's payment counted as an echo, "not paid" in the CRM would overwrite
        # the payment permanently.
        Field(
            "payment_status",
            "payment_status",
            "pending",
            sent_as={"refunded": "pending"},
            never_echo=frozenset({"paid"}),
        ),
        Field("is_cancelled", "is_cancelled", False),
        Field("is_pickup", "is_pickup", False),
        Field("is_anonymous", "is_anonymous", False),
        Field("is_surprise", "is_surprise", False),
    )
}
ITEMS = "items"
"""All items of an order are compared as one field."""
UNKNOWN_MARK = "?"
"""The first character of the comparable form of an unknown quantity or price."""
DETAILS = "details"
"""The details of an order and of its items in timeline entries. Only the site changes them, and they are not merged."""
MAKING_FACTS = ("taken_by", "taken_at", "ready_by", "ready_at")
"""The facts of the making (`orders.rules.making`)."""
UNKNOWN_TO_SITE = frozenset({"responsible", *MAKING_FACTS, "courier", "courier_notified_at", "customer"})
"""Fields of timeline entries that the site does not have."""
PUSHED = (*(one.name for one in FIELDS.values() if one.is_pushed), ITEMS)


def comparable(value: Any) -> Any:
    """Return the value in comparable form. A `Decimal` is rounded to two decimals."""
    if isinstance(value, Decimal):
        return str(value.quantize(CENT, rounding=ROUND_HALF_UP))
    if isinstance(value, date):
        return value.isoformat()
    return value


def comparable_price(price: Decimal) -> str:
    """Return the comparable form of the price of one piece. It has two decimals, or four if the price needs them."""
    exact = price.quantize(UNIT, rounding=ROUND_HALF_UP)
    return str(exact.quantize(CENT) if exact == exact.quantize(CENT, rounding=ROUND_HALF_UP) else exact)


def as_sent(name: str, value: Any) -> Any:
    """Return the value that the site stores if the CRM has `value`, both in comparable form."""
    return FIELDS[name].sent_as.get(value, value) if name in FIELDS and FIELDS[name].sent_as else value


def set_comparable(order: Order, name: str, value: Any) -> None:
    """Set a field other than the items from its comparable form. The comparable form of a reference is its key."""
    column: Any = order._meta.get_field(FIELDS[name].attribute.removesuffix("_id"))
    target = getattr(column, "target_field", column)
    setattr(order, FIELDS[name].attribute, target.to_python(value))


def empty_value(name: str) -> Any:
    """Return the comparable form of an empty field. A field that the site has not reported counts as empty."""
    if name == ITEMS:
        return []
    return FIELDS[name].empty if name in FIELDS else ""


class Line(Protocol):
    """The attributes of an item that `OrderItem` and `ItemSnapshot` have in common."""

    @property
    def bitrix_product_id(self) -> int | None: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def product_snapshot(self) -> Mapping[str, Any]: ...
    @property
    def unknown_values(self) -> Mapping[str, str]: ...


def comparable_line(line: Line) -> list[Any]:
    """Return the comparable form of an item: product, quantity and price. The id of the item is not compared.

    The comparable form of an unknown value is `?` and the text that the site sent.
    """
    what = line.bitrix_product_id or line.product_snapshot.get("name", "")
    numbers = {
        "quantity": str(Decimal(line.quantity).quantize(Decimal("0.001"))),
        "price": comparable_price(Decimal(line.price)),
    }
    unknown = {name: f"{UNKNOWN_MARK}{line.unknown_values[name]}" for name in numbers if name in line.unknown_values}
    return [what, *(numbers | unknown).values()]


def comparable_items(lines: Iterable[Line]) -> list[list[Any]]:
    """Return the comparable form of the items of an order. It is sorted, so the positions of the items do not count."""
    return sorted((comparable_line(line) for line in lines), key=_order_of)


def line_order(line: Line) -> tuple[str, ...]:
    """Return the key by which `comparable_items` sorts the item."""
    return _order_of(comparable_line(line))


def _order_of(line: Sequence[Any]) -> tuple[str, ...]:
    return tuple(map(str, line))


def sum_of_parts(items: Iterable[Sequence[Any]], fee: str) -> str:
    """Return the sum of items and delivery fee, all in comparable form. The site rounds the sum of each item."""
    sums = (
        (Decimal(quantity) * Decimal(price)).quantize(CENT, rounding=ROUND_HALF_UP) for _what, quantity, price in items
    )
    return str((sum(sums, Decimal(fee))).quantize(CENT, rounding=ROUND_HALF_UP))


def order_values(order: Order, names: Iterable[str], lines: Sequence[Line] | None = None) -> dict[str, Any]:
    """Return the named fields of an order in comparable form.

    `lines` are the items of the order if they are already loaded. They save the query for the field `items`.
    """
    values: dict[str, Any] = {}
    for name in names:
        if name == ITEMS:
            values[name] = comparable_items(order.items.all() if lines is None else lines)
        else:
            values[name] = comparable(getattr(order, FIELDS[name].attribute))
    return values
