"""The allocation of a given total to the prices of an order's items. All functions are pure. Money is in KZT.

Bitrix may recompute an order's total from the items and the delivery at any time, so the prices must contain a
discount.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from .values import CENT, line_sum

WHOLE = Decimal(1)


@dataclass(frozen=True)
class PricedQuantity:
    """A quantity of pieces, each with the same price."""

    price: Decimal
    quantity: Decimal

    @property
    def sum(self) -> Decimal:
        """The price of all pieces together."""
        return line_sum(self.price, self.quantity)


Parts = list[list[PricedQuantity]]
"""One list for each item: usually with one element, or with two if some pieces need a slightly higher price."""


def allocate_total(lines: Sequence[PricedQuantity], total: Decimal) -> Parts:
    """Return `lines` with prices changed in proportion, such that their sum is exactly `total`.

    Whole prices are preserved unless an item would have to be split. No price increases when the sum decreases, and no
    price decreases when the sum increases. Raise `ValueError` if the total is negative or there are no items.
    """
    if total < 0 or not lines:
        raise ValueError(f"{total} can't be the price of {len(lines)} lines")
    if sum(line.sum for line in lines) == total:
        return [[line] for line in lines]
    steps = [WHOLE, CENT] if _is_whole(lines, total) else [CENT]
    found = [_allocate(lines, total, step) for step in steps]
    return min(found, key=lambda parts: sum(map(len, parts)))


def _is_whole(lines: Sequence[PricedQuantity], total: Decimal) -> bool:
    numbers = [total, *(line.price for line in lines), *(line.quantity for line in lines)]
    return all(number == number.to_integral_value() for number in numbers)


def _allocate(lines: Sequence[PricedQuantity], total: Decimal, step: Decimal) -> Parts:
    is_less = total < sum(line.sum for line in lines)
    parts: Parts = []
    left = Decimal(0)
    for line, share in zip(lines, _shares(lines, total, step), strict=True):
        if line.quantity <= 1:
            price = line.price if share == line.sum else (share / line.quantity).quantize(CENT)
        else:
            price = _floor(share / line.quantity, step)
        part = PricedQuantity(price, line.quantity)
        left += share - part.sum
        parts.append([part])
    for position in _by_flexibility(lines):
        if left:
            most = lines[position].price if is_less else None
            parts[position], left = _add_to_line(parts[position][0], left, step, most)
    if left:
        position = max(range(len(lines)), key=lambda one: (not _is_count(lines[one]), lines[one].quantity))
        parts[position] = _split_one_piece(parts[position], left)
    return parts


def _shares(lines: Sequence[PricedQuantity], total: Decimal, step: Decimal) -> Iterator[Decimal]:
    """Yield the sum of each item. The sums are proportional, are multiples of `step`, and add up to exactly `total`."""
    weights = [line.sum for line in lines]
    if not any(weights):
        weights = [line.quantity for line in lines]
    whole, passed, given = sum(weights), Decimal(0), Decimal(0)
    for weight in weights:
        passed += weight
        share = _floor(total * passed / whole, step) - given
        given += share
        yield share


def _by_flexibility(lines: Sequence[PricedQuantity]) -> list[int]:
    """Return the positions of items that can be given a remainder, the most suitable items first.

    Items of at most one piece come first. Items with more pieces come after them, because they may have to be split.
    Items with a fractional quantity above one are left out.
    """
    order = sorted(range(len(lines)), key=lambda position: -lines[position].sum)
    single = [position for position in order if lines[position].quantity <= 1]
    return single + [position for position in order if lines[position].quantity > 1 and _is_count(lines[position])]


def _is_count(line: PricedQuantity) -> bool:
    return line.quantity == line.quantity.to_integral_value()


def _add_to_line(
    part: PricedQuantity, left: Decimal, step: Decimal, most: Decimal | None
) -> tuple[list[PricedQuantity], Decimal]:
    """Add as much of `left` to an item as possible, and return the resulting items and the remainder.

    The price does not rise above `most`.
    """
    price, quantity = part.price, part.quantity
    if quantity <= 1:
        room = left if most is None else line_sum(most, quantity) - part.sum
        more = min(left, room)
        return [PricedQuantity(((part.sum + more) / quantity).quantize(CENT), quantity) if more else part], left - more
    rises = _floor(left / quantity, step) if most is None else min(_floor(left / quantity, step), most - price)
    price, left = price + rises, left - rises * quantity
    pieces = min(_floor(left / step, WHOLE), quantity - 1)
    if not pieces or price == most:
        return [PricedQuantity(price, quantity)], left
    return [PricedQuantity(price, quantity - pieces), PricedQuantity(price + step, pieces)], left - pieces * step


def _split_one_piece(parts: list[PricedQuantity], left: Decimal) -> list[PricedQuantity]:
    """Add the remainder to the price of one piece of an item. This is the last resort, for fractional quantities."""
    first, *others = parts
    rest = PricedQuantity(first.price, first.quantity - 1)
    return [rest, PricedQuantity(first.sum + left - rest.sum, Decimal(1)), *others]


def _floor(number: Decimal, step: Decimal) -> Decimal:
    return (number / step).to_integral_value(ROUND_DOWN) * step
