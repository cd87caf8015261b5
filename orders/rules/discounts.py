"""Spreading a discount over the lines of an order: prices become lower than list prices, and the sum is exact.

These are pure functions; money is KZT. The site computes the sum of an order from its lines at each recalculation, so a
discount outside the lines would be lost there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from orders.sync.fields import CENT, Line, comparable
from orders.sync.snapshot import ItemSnapshot

LIST_PRICE = "original_price"
"""The key, in a product snapshot, of the price of one piece before any discount, as decimal text."""
LINE_MONEY = (LIST_PRICE, "discount")
"""The keys of a product snapshot about the price of the line; the others describe the product."""
TENGE = Decimal(1)


def line_total(quantity: Decimal, price: Decimal) -> Decimal:
    """Return the sum of a line, in KZT with two places."""
    return (quantity * price).quantize(CENT)


def goods_of(lines: Iterable[Line]) -> Decimal:
    """Return the sum of the lines at their prices."""
    return sum((line_total(Decimal(line.quantity), Decimal(line.price)) for line in lines), Decimal(0))


def kept_list_price(product_snapshot: Mapping[str, Any]) -> Decimal | None:
    """Return the list price in a product snapshot; None if it has no readable one."""
    try:
        price = Decimal(str(product_snapshot.get(LIST_PRICE)))
        return price.quantize(CENT, rounding=ROUND_HALF_UP) if price.is_finite() else None
    except InvalidOperation:
        return None


def list_price(line: Line) -> Decimal:
    """Return the list price of one piece: the stored one, even if it is below the price; else the price of the line."""
    return kept_list_price(line.product_snapshot) or Decimal(line.price)


def full_price(line: Line) -> Decimal:
    """Return the price of one piece without a discount: the higher one of list price and price."""
    return max(list_price(line), Decimal(line.price))


def list_sum(lines: Iterable[Line]) -> Decimal:
    """Return the sum of the lines at their list prices."""
    return sum((line_total(Decimal(line.quantity), list_price(line)) for line in lines), Decimal(0))


def discount_of(lines: Iterable[Line]) -> Decimal:
    """Return the discount that the prices of the lines contain."""
    off = ((full_price(line) - Decimal(line.price)) * Decimal(line.quantity) for line in lines)
    return sum(off, Decimal(0)).quantize(CENT, rounding=ROUND_HALF_UP)


def spread(lines: Sequence[ItemSnapshot], discount: Decimal, *, from_prices: bool = False) -> list[ItemSnapshot]:
    """Return the lines with a discount in their prices, in proportion to their list sums.

    The discount is counted from the list prices, or with `from_prices` from the present prices, in addition to their
    discount. A negative discount raises the prices. The sum is exact, and in whole tenge if list prices and discount
    are. If no single piece can take the rest of the rounding, one piece of a line becomes a line of its own. Only lines
    of fractional quantities may differ from the sum, as far as two decimals of a price allow. Lines that already have
    this sum stay unchanged. Raise `ValueError` for a discount above the sum.
    """
    discount = discount.quantize(CENT, rounding=ROUND_HALF_UP)
    shares = [_Share.of(line, line.price if from_prices else list_price(line)) for line in lines]
    target = sum((share.list_sum for share in shares), Decimal(0)) - discount
    if target == goods_of(lines):
        return list(lines)
    if not discount:
        return [line for share in shares for line in share.lines()]
    # Imported orders may have lines with a negative price or without pieces; these lines stay unchanged.
    priced = [share for share in shares if share.quantity > 0 and share.listed >= 0]
    target -= sum((share.list_sum for share in shares if share not in priced), Decimal(0))
    if target < 0 or not priced:
        raise ValueError(f"the lines can't take a discount of {discount}")
    is_whole = all(_is_whole(value) for share in priced for value in (share.listed, share.list_sum, target))
    _price_all(priced, target, TENGE if is_whole else CENT, is_raise=discount < 0)
    return [line for share in shares for line in share.lines()]


@dataclass(slots=True, eq=False)
class _Share:
    """A line, with the quantities and prices into which it is split."""

    line: ItemSnapshot
    quantity: Decimal
    listed: Decimal
    list_sum: Decimal
    parts: list[tuple[Decimal, Decimal]]
    """Quantity and price of each part; more than one part if a piece becomes a line of its own."""

    @classmethod
    def of(cls, line: ItemSnapshot, price: Decimal) -> "_Share":
        price = price.quantize(CENT, rounding=ROUND_HALF_UP)
        return cls(line, line.quantity, price, line_total(line.quantity, price), [(line.quantity, price)])

    @property
    def sum(self) -> Decimal:
        return sum((line_total(quantity, price) for quantity, price in self.parts), Decimal(0))

    @property
    def rank(self) -> tuple[Decimal, Decimal, str]:
        """Return the sort key. It does not contain the position, so the order of the lines does not change prices."""
        name = str([self.line.bitrix_product_id, self.line.product_snapshot.get("name", "")])
        return -self.listed, self.quantity, name

    def allows(self, price: Decimal, *, is_raise: bool) -> bool:
        return price >= self.listed if is_raise else 0 <= price <= self.listed

    def lines(self) -> Iterable[ItemSnapshot]:
        """Yield a line for each part; the first one keeps the id of the site's line."""
        listed = list_price(self.line)
        for position, (quantity, price) in enumerate(self.parts):
            if position == 0 and (quantity, price) == (self.line.quantity, self.line.price):
                yield self.line
                continue
            snapshot = {key: value for key, value in self.line.product_snapshot.items() if key not in LINE_MONEY}
            if listed != price or LIST_PRICE in self.line.product_snapshot:
                snapshot[LIST_PRICE] = comparable(listed)
            basket_id = self.line.bitrix_basket_id if position == 0 else None
            yield replace(
                self.line, quantity=quantity, price=price, product_snapshot=snapshot, bitrix_basket_id=basket_id
            )


def _price_all(shares: Sequence[_Share], target: Decimal, step: Decimal, *, is_raise: bool) -> None:
    """Set the prices, first those of fractional quantities; whole quantities then take exactly the rest."""
    fractional = [share for share in shares if not _is_whole(share.quantity)]
    whole = [share for share in shares if _is_whole(share.quantity)]
    for share, amount in zip(shares, _in_proportion(shares, Fraction(target)), strict=True):
        if share in fractional:
            _aim(share, _rounded(amount, step), is_raise=is_raise)
    left = target - sum((share.sum for share in fractional), Decimal(0))
    if whole:
        most = sum((share.list_sum for share in whole), Decimal(0))
        left = max(left, most) if is_raise else min(max(left, Decimal(0)), most)
        _price_exactly(whole, left, step if _is_whole(left) else CENT, is_raise=is_raise)
    _take_rest(fractional, target - sum((share.sum for share in shares), Decimal(0)), is_raise=is_raise)


def _in_proportion(shares: Sequence[_Share], amount: Fraction) -> list[Fraction]:
    """Return the part of the amount for each line, in proportion to its list sum; if all are zero, to its quantity."""
    weights = [Fraction(share.list_sum) for share in shares]
    if not any(weights):
        weights = [Fraction(share.quantity) for share in shares]
    return [amount * weight / sum(weights) for weight in weights]


def _aim(share: _Share, amount: Decimal, *, is_raise: bool) -> None:
    price = (amount / share.quantity).quantize(CENT, rounding=ROUND_HALF_UP)
    price = max(price, share.listed) if is_raise else min(max(price, Decimal(0)), share.listed)
    share.parts = [(share.quantity, price)]


def _take_rest(shares: Sequence[_Share], rest: Decimal, *, is_raise: bool) -> None:
    """Add the rest to the line of a fractional quantity whose price can match it best."""
    if not rest or not shares:
        return
    before = [share.parts for share in shares]
    offs = []
    for share in shares:
        had = share.sum
        _aim(share, had + rest, is_raise=is_raise)
        offs.append(abs(rest - (share.sum - had)))
    best = min(range(len(shares)), key=lambda n: (offs[n], shares[n].rank))
    for position, share in enumerate(shares):
        if position != best or offs[position] >= abs(rest):
            share.parts = before[position]


def _price_exactly(shares: Sequence[_Share], target: Decimal, step: Decimal, *, is_raise: bool) -> None:
    """Set prices of whole quantities with exactly the target sum, by largest remainder and then by a single piece."""
    amounts = _in_proportion(shares, Fraction(target))
    exact = [amount / Fraction(share.quantity * step) for share, amount in zip(shares, amounts, strict=True)]
    prices = [int(price) for price in exact]  # in steps
    counts = [int(share.quantity) for share in shares]
    rest = int(target / step) - sum(price * count for price, count in zip(prices, counts, strict=True))
    order = sorted(range(len(shares)), key=lambda n: (prices[n] - exact[n], shares[n].rank))
    below = []
    for n in order:
        if prices[n] < exact[n] and counts[n] <= rest:
            prices[n] += 1
            rest -= counts[n]
        elif prices[n] < exact[n]:
            below.append(n)
    single = max(
        (n for n in order if counts[n] == 1 and shares[n].allows((prices[n] + rest) * step, is_raise=is_raise)),
        key=lambda n: shares[n].listed,
        default=None,
    )
    if rest and single is not None:
        prices[single] += rest
    for share, price in zip(shares, prices, strict=True):
        share.parts = [(share.quantity, price * step)]
    if rest and single is None:
        # `below` is not empty: a rest remains only if a line has more pieces than the rest has steps.
        split = below[0]
        shares[split].parts = _split(shares[split], prices[split], rest, step, is_raise=is_raise)


def _split(share: _Share, price: int, rest: int, step: Decimal, *, is_raise: bool) -> list[tuple[Decimal, Decimal]]:
    """Return the one or two parts of a line that together cost `price` steps for each piece, plus `rest` steps."""
    count = int(share.quantity)
    for each in (price + 1, price) if 2 * rest >= count else (price, price + 1):
        single = price * count + rest - each * (count - 1)
        if share.allows(single * step, is_raise=is_raise) and share.allows(each * step, is_raise=is_raise):
            return [(Decimal(count - 1), each * step), (Decimal(1), single * step)]
    # If there are very many cheap pieces, one piece can't take the whole rest.
    return [(Decimal(rest), (price + 1) * step), (Decimal(count - rest), price * step)]


def _rounded(amount: Fraction, step: Decimal) -> Decimal:
    return step * int(amount / Fraction(step) + Fraction(1, 2))


def _is_whole(value: Decimal) -> bool:
    return value == value.to_integral_value()
