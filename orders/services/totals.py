"""Computing sum, discount and lines of an order after staff change any of them. No other module computes them.

The sum is that of the lines and the delivery, and the discount is that of the lines (`orders.rules.discounts`). An
order of the site with another sum keeps it until staff change its lines, its discount or its sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import gettext

from orders.exceptions import NotAllowedError
from orders.models import Order, OrderItem
from orders.presentation.formatting import money
from orders.rules.discounts import discount_of, goods_of, list_sum, spread
from orders.services.items import as_snapshot
from orders.sync.fields import CENT, Line, comparable_items
from orders.sync.snapshot import ItemSnapshot

TOTAL, FEE, DISCOUNT = MONEY = ("total_amount", "delivery_fee", "discount_amount")
PRICE_BELOW = Decimal(10) ** 10
"""KZT; the columns of prices and sums can hold only smaller amounts."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The lines of an order, with the sum and the discount computed from them. KZT."""

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
    """Return the lines with the given discount, or the discount that the given sum implies, spread over their prices.

    Without either, the prices stay. The discount is counted from the list prices, or with `from_prices` from the
    prices. Raise `NotAllowedError` when sum and discount contradict each other, or when they are out of range.
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
    """Raise `NotAllowedError` for a discount that is more than the goods cost."""
    if discount > goods:
        raise NotAllowedError(
            gettext("The discount of %(discount)s is more than the goods cost, %(goods)s: delivery is not discounted.")
            % {"discount": money(discount), "goods": money(goods)},
            field=DISCOUNT,
        )


def edited_totals(
    order: Order, changes: Mapping[str, Any], items: Sequence[ItemSnapshot] | None, existing: Sequence[OrderItem]
) -> tuple[dict[str, Any], Sequence[ItemSnapshot] | None]:
    """Return the changes and the lines to store: what staff have changed, and the sums computed from it.

    `existing` are the present lines of the order. Raise `NotAllowedError` as `totals` does.
    """
    given = {name: as_money(changes[name]) for name in MONEY if name in changes}
    changed = {name for name, value in given.items() if value != getattr(order, name)}
    are_lines_other = items is not None and comparable_items(items) != comparable_items(existing)
    if not changed and not are_lines_other:
        return dict(changes), items
    fee = given.get(FEE, order.delivery_fee)
    lines = items if items is not None else [as_snapshot(item) for item in existing]
    if not are_lines_other and given.keys() == {FEE}:
        # The sum of an order of the site may differ from its parts; that difference stays.
        return {**changes, TOTAL: max(order.total_amount + fee - order.delivery_fee, Decimal(0))}, items
    if not lines:
        _check_discount(given.get(DISCOUNT, Decimal(0)), Decimal(0))
        return dict(changes), items  # the site has not reported them yet
    found = totals(lines, fee=fee, discount=given.get(DISCOUNT), total=given.get(TOTAL))
    sums = {TOTAL: found.total, DISCOUNT: found.discount}
    return {**changes, **sums}, found.lines


def merged_total(
    before: Mapping[str, Any], existing: Sequence[Line], lines: Sequence[Line], fee: Decimal
) -> Decimal | None:
    """Return the sum of lines and fee, for an order of which the site has changed one part and staff another.

    `before` are our values (comparable form) and `existing` our lines before the merge; `lines` and `fee` are those
    after it. Return None when our sum was not that of lines and fee before the merge.
    """
    if goods_of(existing) + as_money(before[FEE]) != as_money(before[TOTAL]):
        return None
    return goods_of(lines) + fee


def as_money(value: Any) -> Decimal:
    """Return an amount rounded to two places, as it is stored; None counts as zero."""
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
