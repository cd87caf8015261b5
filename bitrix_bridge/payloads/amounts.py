"""Read amounts, quantities and ids in the formats in which PHP sends them. No JSON value raises an exception.

PHP sends MySQL's DECIMAL as a string, a float as a JSON number, and a formatted price as a text for people.
"""

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from bitrix_bridge.payloads.reading import Reading
from orders.sync.snapshot import ProblemReason

BIGINT = 2**63 - 1
INTEGER = 2**31 - 1

_MONEY_BELOW = Decimal(10) ** 10
_LINE_QUANTITY_BELOW = Decimal(10) ** 7
_STOCK_BELOW = Decimal(10) ** 9
_ARITHMETIC = Context(prec=60, rounding=ROUND_HALF_UP)

_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_CURRENCY_MARK = re.compile(r"\s?(?:₸|kzt|тг\.?|тенге)$", re.IGNORECASE)
_GROUPS = {
    " ": re.compile(r"[0-9]{1,3}(?: [0-9]{3})+"),
    ",": re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+"),
    ".": re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+"),
}
_PLAIN = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_LONGEST_NUMBER = 100


def read_number(raw: Any) -> Reading[Decimal]:
    """Read a number such as `7500`, `"7500.0000"`, `"7 500,00"`, `"4 950 ₸"` or `"7500 KZT"`.

    A comma before exactly three digits (`7,500`) may be the thousands separator of PHP's `number_format` or a Russian
    decimal comma, so such a number is unreadable. An amount in a different currency is also unreadable.
    """
    if raw is None:
        return Reading()
    if isinstance(raw, bool):
        return Reading(reason=ProblemReason.NOT_A_NUMBER)
    if isinstance(raw, str):
        return _number_in_text(raw)
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
    """Read an amount in KZT and round it half up to two decimal places.

    The columns of `b_sale_order` are decimal(18,4), the columns of the CRM are numeric(12,2).
    """
    return _quantized(read_number(raw), Decimal("0.01"), _MONEY_BELOW)


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


def _number_in_text(raw: str) -> Reading[Decimal]:
    if len(raw) > _LONGEST_NUMBER:
        return Reading(reason=ProblemReason.NOT_A_NUMBER)
    text = _SPACES.sub(" ", raw).strip().replace("\u2212", "-")
    if not text:
        return Reading()
    text = _CURRENCY_MARK.sub("", text.removeprefix("₸").lstrip())
    sign = text[:1] if text[:1] in ("-", "+") else ""
    plain = _without_grouping(text[len(sign) :].lstrip())
    if plain is None or not _PLAIN.fullmatch(plain):
        return Reading(reason=ProblemReason.NOT_A_NUMBER)
    return _finite(Decimal(sign + plain))


def _without_grouping(text: str) -> str | None:
    """Return the number with a decimal point and no thousands separators, or None if its separators are not clear."""
    if "," in text and "." in text:
        grouping, point = (",", ".") if text.rindex(",") < text.rindex(".") else (".", ",")
    elif text.count(",") == 1:
        grouping, point = " ", ","
        whole, fraction = text.split(",")
        if len(fraction) == 3 and " " not in whole and whole.lstrip("0"):
            return None
    elif "," in text:
        grouping, point = ",", "."
    else:
        grouping, point = " ", "."
    # A second point stays in the fraction, so the result is not a number either.
    whole, _, fraction = text.partition(point)
    if grouping in whole:
        if not _GROUPS[grouping].fullmatch(whole):
            return None
        whole = whole.replace(grouping, "")
    return f"{whole}.{fraction}" if fraction else whole


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
