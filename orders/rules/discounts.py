"""Functions that spread a discount over the items of an order: prices are below list prices, and the sum is exact.

The functions are pure, and money is in KZT. The site computes the sum of an order from its items at each recalculation,
so a discount outside the items would be lost on the site.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from orders.sync.fields import CENT, UNIT, Line, comparable_price
from orders.sync.snapshot import ItemSnapshot

LIST_PRICE = "original_price"
"""The key in a product snapshot for the price of one piece before any discount. The value is a decimal string."""
LINE_MONEY = (LIST_PRICE, "discount")
"""The keys in a product snapshot that belong to the price of the item. The other keys describe the product."""
TENGE = Decimal(1)


def line_total(quantity: Decimal, price: Decimal) -> Decimal:
    """Return the sum of an item, in KZT with two decimals. Half a cent is rounded up, as PHP and Bitrix do."""
    return (quantity * price).quantize(CENT, rounding=ROUND_HALF_UP)


def goods_of(lines: Iterable[Line]) -> Decimal:
    """Return the sum of the items at their prices."""
    return sum((line_total(Decimal(line.quantity), Decimal(line.price)) for line in lines), Decimal(0))


def are_known(lines: Iterable[Line]) -> bool:
    """Return whether all quantities and prices of the items are known. Otherwise no sum of the items is known."""
    return not any(line.unknown_values for line in lines)


def kept_list_price(product_snapshot: Mapping[str, Any]) -> Decimal | None:
    """Return the list price in a product snapshot, or None if it is missing or can't be read."""
    try:
        price = Decimal(str(product_snapshot.get(LIST_PRICE)))
        return price.quantize(UNIT, rounding=ROUND_HALF_UP) if price.is_finite() else None
    except InvalidOperation:
        return None


def list_price(line: Line) -> Decimal:
    """Return the stored list price of one piece, even if it is below the price.

    Return the price of the item if the list price is missing or zero.
    """
    return kept_list_price(line.product_snapshot) or Decimal(line.price)


def full_price(line: Line) -> Decimal:
    """Return the price of one piece without a discount: the higher of list price and price."""
    return max(list_price(line), Decimal(line.price))


def list_sum(lines: Iterable[Line]) -> Decimal:
    """Return the sum of the items at their list prices."""
    return sum((line_total(Decimal(line.quantity), list_price(line)) for line in lines), Decimal(0))


def discount_of(lines: Iterable[Line]) -> Decimal:
    """Return the discount that the prices of the items contain."""
    off = ((full_price(line) - Decimal(line.price)) * Decimal(line.quantity) for line in lines)
    return sum(off, Decimal(0)).quantize(CENT, rounding=ROUND_HALF_UP)


def spread(lines: Sequence[ItemSnapshot], discount: Decimal, *, from_prices: bool = False) -> list[ItemSnapshot]:
    """Return the items with a discount in their prices, in proportion to their list sums.

    The discount is subtracted from the list prices. With `from_prices`, it is subtracted from the present prices, in
    addition to the discount that these contain. A negative discount raises the prices. The sum is exact, and it is in
    whole tenge if the list prices and the discount are. If no single piece can absorb the rounding difference, one
    piece becomes an item of its own. Only fractional quantities may make the sum inexact, as far as prices with two
    decimals require. Items that already have this sum are returned unchanged. Raise `ValueError` if the discount is
    higher than the sum.
    """
    discount = discount.quantize(CENT, rounding=ROUND_HALF_UP)
    shares = [_Share.of(line, line.price if from_prices else list_price(line)) for line in lines]
    target = sum((share.list_sum for share in shares), Decimal(0)) - discount
    if target == goods_of(lines):
        return list(lines)
    if not discount:
        return [line for share in shares for line in share.lines()]
    # Imported orders may have items with a negative price or a quantity of zero. These items are not changed.
    priced = [share for share in shares if share.quantity > 0 and share.listed >= 0]
    target -= sum((share.list_sum for share in shares if share not in priced), Decimal(0))
    if target < 0 or not priced:
        raise ValueError(f"the lines can't take a discount of {discount}")
    is_whole = all(_is_whole(value) for share in priced for value in (share.listed, share.list_sum, target))
    _price_all(priced, target, TENGE if is_whole else CENT, is_raise=discount < 0)
    return [line for share in shares for line in share.lines()]


@dataclass(slots=True, eq=False)
class _Share:
    """An item, with the quantities and prices into which it is split."""

    line: ItemSnapshot
    quantity: Decimal
    listed: Decimal
    list_sum: Decimal
    parts: list[tuple[Decimal, Decimal]]
    """The quantities and prices into which the item is split. There are two of them if some pieces become a separate
    item."""

    @classmethod
    def of(cls, line: ItemSnapshot, price: Decimal) -> "_Share":
        return cls(line, line.quantity, price, line_total(line.quantity, price), [(line.quantity, price)])

    @property
    def sum(self) -> Decimal:
        return sum((line_total(quantity, price) for quantity, price in self.parts), Decimal(0))

    @property
    def rank(self) -> tuple[Decimal, Decimal, str]:
        """Return the sort key. It does not contain the position, so sorting the items differently changes no price."""
        name = str([self.line.bitrix_product_id, self.line.product_snapshot.get("name", "")])
        return -self.listed, self.quantity, name

    def allows(self, price: Decimal, *, is_raise: bool) -> bool:
        return price >= self.listed if is_raise else 0 <= price <= self.listed

    def lines(self) -> Iterable[ItemSnapshot]:
        """Yield an item for each quantity and price. Only the first item has the original item's id on the site."""
        listed = list_price(self.line)
        for position, (quantity, price) in enumerate(self.parts):
            if position == 0 and (quantity, price) == (self.line.quantity, self.line.price):
                yield self.line
                continue
            snapshot = {key: value for key, value in self.line.product_snapshot.items() if key not in LINE_MONEY}
            if listed != price or LIST_PRICE in self.line.product_snapshot:
                snapshot[LIST_PRICE] = comparable_price(listed)
            basket_id = self.line.bitrix_basket_id if position == 0 else None
            yield replace(
                self.line, quantity=quantity, price=price, product_snapshot=snapshot, bitrix_basket_id=basket_id
            )


def _price_all(shares: Sequence[_Share], target: Decimal, step: Decimal, *, is_raise: bool) -> None:
    """Set the prices, first of items with fractional quantities. Items with whole quantities get exactly the rest."""
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
    """Return the share of each item in the amount, in proportion to its list sum.

    If all list sums are zero, the shares are in proportion to the quantities.
    """
    weights = [Fraction(share.list_sum) for share in shares]
    if not any(weights):
        weights = [Fraction(share.quantity) for share in shares]
    return [amount * weight / sum(weights) for weight in weights]


def _aim(share: _Share, amount: Decimal, *, is_raise: bool) -> None:
    price = (amount / share.quantity).quantize(CENT, rounding=ROUND_HALF_UP)
    price = max(price, share.listed) if is_raise else min(max(price, Decimal(0)), share.listed)
    share.parts = [(share.quantity, price)]


def _take_rest(shares: Sequence[_Share], rest: Decimal, *, is_raise: bool) -> None:
    """Add the rest to the item with a fractional quantity whose price can come closest to it."""
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
    """Set prices of items with whole quantities, with exactly the target sum.

    Prices are rounded by the method of the largest remainder. The amount that is left is added to an item of one piece,
    or one item is split.
    """
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
        # `below` is not empty: a rest remains only if an item has more pieces than the rest has steps.
        split = below[0]
        shares[split].parts = _split(shares[split], prices[split], rest, step, is_raise=is_raise)


def _split(share: _Share, price: int, rest: int, step: Decimal, *, is_raise: bool) -> list[tuple[Decimal, Decimal]]:
    """Return two quantities with their prices, which together cost `price` steps for each piece, plus `rest` steps."""
    count = int(share.quantity)
    for each in (price + 1, price) if 2 * rest >= count else (price, price + 1):
        single = price * count + rest - each * (count - 1)
        if share.allows(single * step, is_raise=is_raise) and share.allows(each * step, is_raise=is_raise):
            return [(Decimal(count - 1), each * step), (Decimal(1), single * step)]
    # If there are very many cheap pieces, a single piece can't absorb the whole rest.
    return [(Decimal(rest), (price + 1) * step), (Decimal(count - rest), price * step)]


def _rounded(amount: Fraction, step: Decimal) -> Decimal:
    return step * int(amount / Fraction(step) + Fraction(1, 2))


def _is_whole(value: Decimal) -> bool:
    return value == value.to_integral_value()
