"""Read amounts, quantities and ids in the formats in which PHP sends them. No JSON value raises an exception.

PHP sends MySQL's DECIMAL as a string, a float as a JSON number, and a formatted price as a text for people.
"""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from bitrix_bridge.payloads.number_texts import is_blank, number_in, sum_in
from bitrix_bridge.payloads.reading import Reading
from orders.sync.snapshot import ProblemReason

BIGINT = 2**63 - 1
INTEGER = 2**31 - 1

_MONEY_BELOW = Decimal(10) ** 10
_LINE_QUANTITY_BELOW = Decimal(10) ** 7
_STOCK_BELOW = Decimal(10) ** 9
_SHORT = 20
"""The length of integers that are read without arithmetic on decimals."""
_ARITHMETIC = Context(prec=60, rounding=ROUND_HALF_UP)


def read_number(raw: Any) -> Reading[Decimal]:
    """Read a number such as `7500`, `"7500.0000"` or `"7 500,00"` (`number_texts.number_in`)."""
    if raw is None:
        return Reading()
    if isinstance(raw, bool):
        return Reading(reason=ProblemReason.NOT_A_NUMBER)
    if isinstance(raw, str):
        return _in_text(raw, number_in)
    if isinstance(raw, int):
        if raw.bit_length() > 128:
            return Reading(reason=ProblemReason.OUT_OF_RANGE)
        return Reading(Decimal(raw))
    if isinstance(raw, float):
        return _finite(Decimal(repr(raw)))
    if isinstance(raw, Decimal):
        return _finite(raw)
    return Reading(reason=ProblemReason.NOT_A_NUMBER)


def read_money(raw: Any) -> Reading[Decimal]:
    """Read an amount in KZT, such as `"4 950 ₸"` or `"KZT 12 990"`, and round it half up to two decimal places.

    The columns of `b_sale_order` are decimal(18,4), the columns of the CRM are numeric(12,2).
    """
    reading = _in_text(raw, sum_in) if isinstance(raw, str) else read_number(raw)
    return _quantized(reading, Decimal("0.01"), _MONEY_BELOW)


def read_unit_price(raw: Any) -> Reading[Decimal]:
    """Read the price of one piece like `read_money`, but with four decimal places, as `b_sale_basket` has them."""
    reading = _in_text(raw, sum_in) if isinstance(raw, str) else read_number(raw)
    return _quantized(reading, Decimal("0.0001"), _MONEY_BELOW)


def read_price(raw: Any) -> Reading[Decimal]:
    """Read an amount that can't be negative, such as the sum of an order. A negative amount is unreadable."""
    reading = read_money(raw)
    if reading.value is not None and reading.value < 0:
        return Reading(reason=ProblemReason.OUT_OF_RANGE)
    return reading


def read_quantity(raw: Any) -> Reading[Decimal]:
    """Read the quantity of an item and round it to three decimal places. A negative quantity is unreadable.

    `b_sale_basket.QUANTITY` is a double.
    """
    reading = _quantized(read_number(raw), Decimal("0.001"), _LINE_QUANTITY_BELOW)
    if reading.value is not None and reading.value < 0:
        return Reading(reason=ProblemReason.OUT_OF_RANGE)
    return reading


def read_stock(raw: Any) -> Reading[Decimal]:
    """Read `b_catalog_product.QUANTITY` and round it to three decimal places.

    It is negative if the site sells more than it has in stock.
    """
    return _quantized(read_number(raw), Decimal("0.001"), _STOCK_BELOW)


def read_whole_number(raw: Any, *, at_most: int = INTEGER) -> Reading[int]:
    """Read a non-negative integer, such as `b_sale_order.VERSION`. `"5"`, `5.0` and `"5.0000"` are read as 5."""
    if isinstance(raw, str) and len(raw) <= _SHORT and raw.isascii() and raw.isdigit():
        return Reading(int(raw)) if int(raw) <= at_most else Reading(reason=ProblemReason.OUT_OF_RANGE)
    reading = read_number(raw)
    if reading.value is None:
        return Reading(reason=reading.reason)
    if not 0 <= reading.value <= at_most:
        return Reading(reason=ProblemReason.OUT_OF_RANGE)
    if reading.value != int(reading.value):
        return Reading(reason=ProblemReason.NOT_A_NUMBER)
    return Reading(int(reading.value))


def read_id(raw: Any) -> Reading[int]:
    """Read a positive id that a bigint column can store. 0, `''` and null mean that there is no id."""
    reading = read_whole_number(raw, at_most=BIGINT)
    return Reading() if reading.value == 0 else reading


def _in_text(raw: str, read: Callable[[str], Decimal | None]) -> Reading[Decimal]:
    number = read(raw)
    if number is None:
        return Reading(reason=None if is_blank(raw) else ProblemReason.NOT_A_NUMBER)
    return _finite(number)


def _finite(number: Decimal) -> Reading[Decimal]:
    if number.is_nan():
        return Reading(reason=ProblemReason.NOT_A_NUMBER)
    if number.is_infinite() or (number and number.adjusted() > 30):
        return Reading(reason=ProblemReason.OUT_OF_RANGE)
    if not number or number.adjusted() < -12:
        return Reading(Decimal(0))
    return Reading(number)


def _quantized(reading: Reading[Decimal], places: Decimal, below: Decimal) -> Reading[Decimal]:
    if reading.value is None:
        return reading
    # The value is rounded only once, because rounding twice may give a different result.
    value = reading.value.quantize(places, context=_ARITHMETIC)
    if abs(value) >= below:
        return Reading(reason=ProblemReason.OUT_OF_RANGE)
    return Reading(value if value else abs(value))  # avoids "-0.00"
