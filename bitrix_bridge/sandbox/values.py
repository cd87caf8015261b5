"""Conversion of single values between requests and the site: times, sums, ids and texts. Pure functions."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from .errors import SiteError, invalid

Order = dict[str, Any]

CENT = Decimal("0.01")

# The shop's time zone. Fixed, because Almaty has been UTC+5 since March 2024 and old tz databases say otherwise.
ALMATY = timezone(timedelta(hours=5))


def site_time(seconds: float) -> str:
    """Return unix seconds as the site writes a time: naive, Asia/Almaty, whole seconds (MySQL `datetime`)."""
    return datetime.fromtimestamp(seconds, ALMATY).strftime("%Y-%m-%d %H:%M:%S")


def iso_time(site_value: str | None) -> str | None:
    """Return a time of the site as ISO 8601 with its offset, or None."""
    if not site_value:
        return None
    return datetime.strptime(site_value, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ALMATY).isoformat()


def amount(value: object, name: str, step: str) -> Decimal:
    """Return a sum or a quantity as Decimal. Raises SiteError 422 unless it is a finite number, zero or more."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or number < 0:
        raise invalid("bad_amount", f"{name} must be a number, zero or more", step)
    return number


def rounded(number: Decimal) -> Decimal:
    """Return a sum rounded as Bitrix does it (option `value_precision` of the module sale, 2 by default)."""
    return number.quantize(CENT, ROUND_HALF_UP)


def line_sum(price: Decimal, quantity: Decimal) -> Decimal:
    """Return the sum of a line, KZT: Bitrix rounds each line before it adds them up."""
    return rounded(price * quantity)


def money(number: Decimal) -> str:
    """Return a number as PHP reads a decimal(18,4)."""
    return f"{number:.4f}"


def identity(value: object, name: str, step: str = "request", *, zero: bool = False) -> int:
    """Return a positive id, sent as a number or as a string. Raises SiteError 400, or 422 in a later step."""
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
    """Return a value as Bitrix stores a string: null is empty, a flag is Y or N."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Y" if value else "N"
    return str(value)
