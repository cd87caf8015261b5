"""The computation of the sum, the discount and the items of an order after staff change any of them.

No other module computes them. The sum is the total of all items plus the delivery fee. The discount is the difference
between the list prices and the prices of the items (`orders.rules.discounts`). The site may have reported a different
sum for an order. Such a sum is not corrected until staff change the items, the discount or the sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import gettext

from orders.exceptions import NotAllowedError
from orders.models import Order, OrderItem
from orders.presentation.formatting import money
from orders.rules.discounts import are_known, discount_of, goods_of, list_sum, spread
from orders.services.items import as_snapshot
from orders.sync.fields import CENT, Line, comparable_items
from orders.sync.snapshot import ItemSnapshot

TOTAL, FEE, DISCOUNT = MONEY = ("total_amount", "delivery_fee", "discount_amount")
PRICE_BELOW = Decimal(10) ** 10
"""The limit for prices and sums, in KZT. Their columns can store only smaller amounts."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The items of an order, and the sum and the discount computed from them, in KZT."""

    lines: tuple[ItemSnapshot, ...]
    total: Decimal
    discount: Decimal


def totals(
    lines: Sequence[ItemSnapshot],
    *,
    fee: Decimal,
    discount: Decimal | None = None,
    total: Decimal | None = None,
    from_prices: bool = False,
) -> Totals:
    """Return the items with a discount in their prices: the given discount, or the discount that the given sum implies.

    If neither is given, the prices are not changed. The discount is subtracted from the list prices, or with
    `from_prices` from the present prices. Raise `NotAllowedError` if the sum and the discount contradict each other or
    are out of range.
    """
    goods = goods_of(lines) if from_prices else list_sum(lines)
    if total is not None:
        if total < fee:
            raise NotAllowedError(
                gettext("The sum of %(total)s is below the delivery, %(fee)s: delivery is not discounted.")
                % {"total": money(total), "fee": money(fee)},
                field=TOTAL,
            )
        wanted = goods + fee - total
        if discount is not None and discount != wanted:
            raise NotAllowedError(
                gettext(
                    "The sum and the discount do not fit together: goods %(goods)s + delivery %(fee)s − discount"
                    " %(discount)s = %(result)s, not %(total)s. Correct one of them."
                )
                % {
                    "goods": money(goods),
                    "fee": money(fee),
                    "discount": money(discount),
                    "result": money(goods + fee - discount),
                    "total": money(total),
                },
                field=TOTAL,
            )
        discount = wanted
    priced = list(lines) if discount is None else _discounted(lines, discount, goods, from_prices=from_prices)
    sum_of_goods = goods_of(priced)
    if any(line.price >= PRICE_BELOW for line in priced) or sum_of_goods + fee >= PRICE_BELOW:
        raise NotAllowedError(gettext("The sum is too large. Check quantities and prices."))
    return Totals(tuple(priced), sum_of_goods + fee, discount_of(priced))


def _check_discount(discount: Decimal, goods: Decimal) -> None:
    """Raise `NotAllowedError` if the discount is more than the goods cost."""
    if discount > goods:
        raise NotAllowedError(
            gettext("The discount of %(discount)s is more than the goods cost, %(goods)s: delivery is not discounted.")
            % {"discount": money(discount), "goods": money(goods)},
            field=DISCOUNT,
        )


def edited_totals(
    order: Order, changes: Mapping[str, Any], items: Sequence[ItemSnapshot] | None, existing: Sequence[OrderItem]
) -> tuple[dict[str, Any], Sequence[ItemSnapshot] | None]:
    """Return the changes and the items to store, including the sum and the discount computed from changes by staff.

    `existing` contains the present items of the order. Raise `NotAllowedError` under the conditions of `totals`.
    """
    given = {name: as_money(changes[name]) for name in MONEY if name in changes}
    changed = {name for name, value in given.items() if value != getattr(order, name) or order.is_unknown(name)}
    are_lines_other = items is not None and comparable_items(items) != comparable_items(existing)
    if not changed and not are_lines_other:
        return dict(changes), items
    fee = given.get(FEE, order.delivery_fee)
    lines = items if items is not None else [as_snapshot(item) for item in existing]
    if not are_lines_other and given.keys() == {FEE}:
        # The sum of an order received from the site may differ from the sum of its items and its fee. This difference
        # is kept.
        if order.is_unknown(TOTAL) or order.is_unknown(FEE):
            return dict(changes), items
        return {**changes, TOTAL: max(order.total_amount + fee - order.delivery_fee, Decimal(0))}, items
    if not are_known(lines):
        if are_lines_other or DISCOUNT in changed:
            raise NotAllowedError(_unknown_line(lines))
        return dict(changes), items  # no sum follows from unknown prices, so the sum is stored as entered
    if not lines:
        _check_discount(given.get(DISCOUNT, Decimal(0)), Decimal(0))
        return dict(changes), items  # the site has not reported the items yet
    if order.is_unknown(FEE) and FEE not in given:
        raise NotAllowedError(gettext("The delivery fee is unknown: enter it too, it is a part of the sum."), field=FEE)
    found = totals(lines, fee=fee, discount=given.get(DISCOUNT), total=given.get(TOTAL))
    sums = {TOTAL: found.total, DISCOUNT: found.discount}
    return {**changes, **sums}, found.lines


def _unknown_line(lines: Sequence[ItemSnapshot]) -> str:
    line = next(line for line in lines if line.unknown_values)
    name = line.product_snapshot.get("name") or line.bitrix_product_id
    if "quantity" in line.unknown_values:
        return gettext("The quantity of “%(name)s” is unknown: enter it too, the sum depends on it.") % {"name": name}
    return gettext("The price of “%(name)s” is unknown: enter it too, the sum depends on it.") % {"name": name}


def merged_total(
    before: Mapping[str, Any], existing: Sequence[Line], lines: Sequence[Line], fee: Decimal
) -> Decimal | None:
    """Return the sum of the items and the fee, if the site has changed one of them and staff the other.

    `before` contains our values in comparable form before the merge, and `existing` our items before it. `lines` and
    `fee` are the items and the fee after the merge. Return None if our sum differed from the sum of our items and our
    fee before the merge, or if a quantity or a price is unknown.
    """
    if not (are_known(existing) and are_known(lines)):
        return None
    if goods_of(existing) + as_money(before[FEE]) != as_money(before[TOTAL]):
        return None
    return goods_of(lines) + fee


def as_money(value: Any) -> Decimal:
    """Return an amount rounded to two decimals, as it is stored. None counts as zero."""
    return Decimal(str(value or 0)).quantize(CENT, rounding=ROUND_HALF_UP)


def _discounted(
    lines: Sequence[ItemSnapshot], discount: Decimal, goods: Decimal, *, from_prices: bool
) -> list[ItemSnapshot]:
    _check_discount(discount, goods)
    try:
        return spread(lines, discount, from_prices=from_prices)
    except ValueError as error:
        raise NotAllowedError(
            gettext("These items can't take a discount of %(sum)s.") % {"sum": money(discount)}
        ) from error
