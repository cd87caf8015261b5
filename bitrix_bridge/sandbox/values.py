"""The conversion of single values between requests and the site. All functions are pure."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from .errors import SiteError, invalid

Order = dict[str, Any]

CENT = Decimal("0.01")

# The shop's time zone. The offset is fixed, because Almaty has been UTC+5 since March 2024 and old tz databases still
# contain UTC+6.
ALMATY = timezone(timedelta(hours=5))


def site_time(seconds: float) -> str:
    """Return unix seconds in the site's format of a datetime: naive, Asia/Almaty, whole seconds (MySQL `datetime`)."""
    return datetime.fromtimestamp(seconds, ALMATY).strftime("%Y-%m-%d %H:%M:%S")


def iso_time(site_value: str | None) -> str | None:
    """Return a datetime of the site in ISO 8601 with its offset, or None if there is no datetime."""
    if not site_value:
        return None
    return datetime.strptime(site_value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ALMATY).isoformat()


def amount(value: object, name: str, step: str) -> Decimal:
    """Return a sum or a quantity as a Decimal.

    Raise `SiteError` 422 unless the value is a finite number, zero or more.
    """
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or number < 0:
        raise invalid("bad_amount", f"{name} must be a number, zero or more", step)
    return number


def rounded(number: Decimal) -> Decimal:
    """Return a sum rounded by Bitrix's rule (option `value_precision` of the module sale, 2 by default)."""
    return number.quantize(CENT, ROUND_HALF_UP)


def line_sum(price: Decimal, quantity: Decimal) -> Decimal:
    """Return the sum of an item, in KZT. Bitrix rounds the sum of each item before it adds them up."""
    return rounded(price * quantity)


def is_bought(line: Order) -> bool:
    """Return whether a row of the basket is bought: it is neither set aside for later nor impossible to buy."""
    return line.get("DELAY") != "Y" and line.get("CAN_BUY") != "N"


def money(number: Decimal) -> str:
    """Return a number as the string that PHP reads from a decimal(18,4) column."""
    return f"{number:.4f}"


def identity(value: object, name: str, step: str = "request", *, zero: bool = False) -> int:
    """Return a positive id that was sent as a number or as a string. With `zero` the id may be zero.

    Raise `SiteError` for any other value: 400 in the step "request", or 422 in a later step.
    """
    text = str(value).strip()
    if (
        isinstance(value, bool)
        or not (text.isascii() and text.isdigit())
        or len(text) > 18
        or (int(text) == 0 and not zero)
    ):
        raise SiteError(400 if step == "request" else 422, "bad_id", f"{name} must be a positive number", step)
    return int(text)


def text_of(value: object) -> str:
    """Return a value as the string that Bitrix stores: None is an empty string, a boolean is Y or N."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Y" if value else "N"
    return str(value)
