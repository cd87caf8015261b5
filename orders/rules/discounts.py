"""An agreed discount is a part of the lines: each is sold below its list price, and their sum is exact.

Pure functions, no database; money is KZT. The site computes an order's sum from its lines whenever it recalculates, so
a discount that stood beside them would be lost there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from orders.sync.fields import CENT, Line, comparable
from orders.sync.snapshot import ItemSnapshot

LIST_PRICE = "original_price"
"""In a product snapshot: the price of one piece before any discount, as decimal text."""
LINE_MONEY = (LIST_PRICE, "discount")
"""What a product snapshot says of a line's price; the rest of it says what was sold."""
TENGE = Decimal(1)


def line_total(quantity: Decimal, price: Decimal) -> Decimal:
    """Return a line's sum."""
    return (quantity * price).quantize(CENT)


def goods_of(lines: Iterable[Line]) -> Decimal:
    """Return what the lines cost together."""
    return sum((line_total(Decimal(line.quantity), Decimal(line.price)) for line in lines), Decimal(0))


def kept_list_price(product_snapshot: Mapping[str, Any]) -> Decimal | None:
    """Return the list price that a product snapshot holds; None without a readable one."""
    try:
        price = Decimal(str(product_snapshot.get(LIST_PRICE)))
        return price.quantize(CENT, rounding=ROUND_HALF_UP) if price.is_finite() else None
    except InvalidOperation:
        return None


def list_price(line: Line) -> Decimal:
    """Return the list price of one piece: the one kept, also of a line that is sold for more; else the line's price."""
    return kept_list_price(line.product_snapshot) or Decimal(line.price)


def full_price(line: Line) -> Decimal:
    """Return the price of one piece without a discount: the list price, or what a raised line is sold for."""
    return max(list_price(line), Decimal(line.price))


def list_sum(lines: Iterable[Line]) -> Decimal:
    """Return what the lines cost together before any discount."""
    return sum((line_total(Decimal(line.quantity), list_price(line)) for line in lines), Decimal(0))


def discount_of(lines: Iterable[Line]) -> Decimal:
    """Return the discount that the lines hold."""
    off = ((full_price(line) - Decimal(line.price)) * Decimal(line.quantity) for line in lines)
    return sum(off, Decimal(0)).quantize(CENT, rounding=ROUND_HALF_UP)


def spread(lines: Sequence[ItemSnapshot], discount: Decimal, *, from_prices: bool = False) -> list[ItemSnapshot]:
    """Return the lines with a discount in their prices, in proportion to their list sums.

    It counts from the list prices, however much the lines are discounted already; `from_prices`: from what the lines
    are sold for, on top of a discount that they have. Below zero it raises the prices. The sum is exact, in whole tenge
    where list prices and discount are: where no single piece can take what rounding leaves, one piece of a line becomes
    a line of its own. Only lines of fractional quantities may miss it, as far as two decimals of a price do.
    Lines that come to the sum already stay as they are. Raises `ValueError` for a discount above the sum.
    """
    discount = discount.quantize(CENT, rounding=ROUND_HALF_UP)
    shares = [_Share.of(line, line.price if from_prices else list_price(line)) for line in lines]
    target = sum((share.list_sum for share in shares), Decimal(0)) - discount
    if target == goods_of(lines):
        return list(lines)
    if not discount:
        return [line for share in shares for line in share.lines()]
    # A copy of the site may hold a line that takes something off, or of no pieces: such a line stays as it is.
    priced = [share for share in shares if share.quantity > 0 and share.listed >= 0]
    target -= sum((share.list_sum for share in shares if share not in priced), Decimal(0))
    if target < 0 or not priced:
        raise ValueError(f"the lines can't take a discount of {discount}")
    is_whole = all(_is_whole(value) for share in priced for value in (share.listed, share.list_sum, target))
    _price_all(priced, target, TENGE if is_whole else CENT, is_raise=discount < 0)
    return [line for share in shares for line in share.lines()]


@dataclass(slots=True, eq=False)
class _Share:
    """A line, and how many of its pieces are sold for how much."""

    line: ItemSnapshot
    quantity: Decimal
    listed: Decimal
    list_sum: Decimal
    parts: list[tuple[Decimal, Decimal]]
    """Quantity and price; more than one where a piece is a line of its own."""

    @classmethod
    def of(cls, line: ItemSnapshot, price: Decimal) -> "_Share":
        price = price.quantize(CENT, rounding=ROUND_HALF_UP)
        return cls(line, line.quantity, price, line_total(line.quantity, price), [(line.quantity, price)])

    @property
    def sum(self) -> Decimal:
        return sum((line_total(quantity, price) for quantity, price in self.parts), Decimal(0))

    @property
    def rank(self) -> tuple[Decimal, Decimal, str]:
        """Sort by: not by position, so that the same lines in another order get the same prices."""
        name = str([self.line.bitrix_product_id, self.line.product_snapshot.get("name", "")])
        return -self.listed, self.quantity, name

    def allows(self, price: Decimal, *, is_raise: bool) -> bool:
        return price >= self.listed if is_raise else 0 <= price <= self.listed

    def lines(self) -> Iterable[ItemSnapshot]:
        """Yield the lines to sell; the site's line stays the first."""
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
    """Set the prices: first those of fractional quantities, and the others take exactly what is left."""
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
    """Return each line's part of an amount, by its list sum; by pieces where all of them are free of charge."""
    weights = [Fraction(share.list_sum) for share in shares]
    if not any(weights):
        weights = [Fraction(share.quantity) for share in shares]
    return [amount * weight / sum(weights) for weight in weights]


def _aim(share: _Share, amount: Decimal, *, is_raise: bool) -> None:
    price = (amount / share.quantity).quantize(CENT, rounding=ROUND_HALF_UP)
    price = max(price, share.listed) if is_raise else min(max(price, Decimal(0)), share.listed)
    share.parts = [(share.quantity, price)]


def _take_rest(shares: Sequence[_Share], rest: Decimal, *, is_raise: bool) -> None:
    """Let the line of a fractional quantity that comes nearest take what is left."""
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
    """Set prices of whole quantities so that their sum is the target: largest remainder, then a single piece."""
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
        # A line that was not raised is there, of more pieces than are left: else nothing would be.
        split = below[0]
        shares[split].parts = _split(shares[split], prices[split], rest, step, is_raise=is_raise)


def _split(share: _Share, price: int, rest: int, step: Decimal, *, is_raise: bool) -> list[tuple[Decimal, Decimal]]:
    """Return the parts of a line whose pieces cost `price` steps and `rest` together, of one or two lines."""
    count = int(share.quantity)
    for each in (price + 1, price) if 2 * rest >= count else (price, price + 1):
        single = price * count + rest - each * (count - 1)
        if share.allows(single * step, is_raise=is_raise) and share.allows(each * step, is_raise=is_raise):
            return [(Decimal(count - 1), each * step), (Decimal(1), single * step)]
    # Of very many cheap pieces, one can't take it all.
    return [(Decimal(rest), (price + 1) * step), (Decimal(count - rest), price * step)]


def _rounded(amount: Fraction, step: Decimal) -> Decimal:
    return step * int(amount / Fraction(step) + Fraction(1, 2))


def _is_whole(value: Decimal) -> bool:
    return value == value.to_integral_value()
