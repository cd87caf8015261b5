"""The sum, discount and lines of an order after staff change any of them: the only place where they are computed.

Of what staff give, the order's sum is always its lines and its delivery, and the discount is what the lines say
(`orders.rules.discounts`). An order of the site whose sum is another one stays as the site says until its lines, its
discount or its sum are changed here.
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
"""KZT that the column of a price can't hold any more, nor that of an order's sum."""


@dataclass(frozen=True, slots=True)
class Totals:
    """An order's lines, and the sums that follow from them."""

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
    """Return the lines with an agreed discount, or the one that an agreed sum amounts to, in their prices.

    Without either the lines' own prices count. `from_prices`: the discount goes on top of those. Raises
    `NotAllowedError`.
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
    """Return the changes and lines to store for what staff have changed, with what follows from it.

    `existing` are the order's lines. Raises `NotAllowedError`.
    """
    given = {name: as_money(changes[name]) for name in MONEY if name in changes}
    changed = {name for name, value in given.items() if value != getattr(order, name)}
    are_lines_other = items is not None and comparable_items(items) != comparable_items(existing)
    if not changed and not are_lines_other:
        return dict(changes), items
    fee = given.get(FEE, order.delivery_fee)
    lines = items if items is not None else [as_snapshot(item) for item in existing]
    if not are_lines_other and given.keys() == {FEE}:
        # It may hold what the site has agreed on beside its parts: that stays.
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
    """Return the sum of an order of which the site has changed one part and staff another: what lines and fee come to.

    `before` are our values (comparable form), `existing` our lines before the merge; `lines` and `fee` are those after
    it. None when our sum was not that of its parts.
    """
    if goods_of(existing) + as_money(before[FEE]) != as_money(before[TOTAL]):
        return None
    return goods_of(lines) + fee


def as_money(value: Any) -> Decimal:
    """Return a sum as it is stored; none is zero."""
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
