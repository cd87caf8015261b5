"""Functions that format the values of fields for staff. Timeline entries store these values in comparable form."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext

from orders.models import PaymentMethod, PaymentStatus
from orders.presentation.formatting import NBSP, full_day, full_moment, money, number, unit_price
from orders.presentation.payment import unknown_text
from orders.presentation.phones import phone_words
from orders.presentation.timeline.names import EMPTY, REFERENCES, STAFF, Names
from orders.rules.site_details import is_amount, is_phone
from orders.rules.visibility import HIDDEN, MONEY_FIELDS
from orders.sync.fields import DETAILS, ITEMS, UNKNOWN_MARK
from orders.values.phones import format_phone, masked_phone

_LONGEST = 300  # characters shown of one value


def value_text(name: str, value: Any, names: Names) -> str:
    """Return the formatted value of this field, or `HIDDEN` if the reader may not see it."""
    if value in EMPTY:
        return "—"
    if name in names.hidden and name != ITEMS:
        return HIDDEN
    if name == ITEMS and isinstance(value, list):
        return "; ".join(_line(line, names) for line in value)
    if name == DETAILS and isinstance(value, list):
        return Truncator("; ".join(_detail(row, names) for row in value)).chars(_LONGEST)
    if name in REFERENCES or name in STAFF:
        return names.get(name, value)
    if (formatted := _FORMATS.get(name)) is not None:
        return formatted(value)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return Truncator(names.masked(str(value))).chars(_LONGEST)


def _line(line: Any, names: Names) -> str:
    try:
        what, quantity, price = line
        count = _unknown(quantity) or number(Decimal(quantity))
        each = HIDDEN if ITEMS in names.hidden else _unknown(price) or unit_price(Decimal(str(price)))
        return f"{names.get(ITEMS, what)} — {count}{NBSP}×{NBSP}{each}"
    except (TypeError, ValueError, InvalidOperation):
        return str(line)


def _unknown(value: Any) -> str:
    """Return the text of an unknown quantity or price, or an empty string for a known one."""
    text = str(value)
    return unknown_text(text.removeprefix(UNKNOWN_MARK)) if text.startswith(UNKNOWN_MARK) else ""


def _detail(row: Any, names: Names) -> str:
    try:
        where, code, label, text = map(str, row)
    except (TypeError, ValueError):
        return names.masked(str(row))
    if not text:
        text = "—"
    elif is_amount(code) and ITEMS in names.hidden:
        text = HIDDEN
    elif is_phone(code) and "recipient_phone" in names.hidden:
        text = masked_phone(text)
    label = f"{where}, {label}" if where else label
    return f"{names.masked(label)}: {names.masked(text)}"


def _money(value: Any) -> str:
    try:
        return money(Decimal(str(value)))
    except InvalidOperation:
        return str(value)


def _date(value: Any) -> str:
    try:
        return full_day(date.fromisoformat(str(value)))
    except ValueError:
        return str(value)


def _moment(value: Any) -> str:
    try:
        return full_moment(datetime.fromisoformat(str(value)))
    except ValueError:
        return str(value)


_FORMATS: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(MONEY_FIELDS, _money),
    **dict.fromkeys(("courier_notified_at", "taken_at", "ready_at"), _moment),
    "delivery_date": _date,
    "recipient_other_phones": lambda value: phone_words("", str(value)),
    **dict.fromkeys(("recipient_phone", "contact_phone"), lambda value: format_phone(str(value))),
    "payment_method": lambda value: str(dict(PaymentMethod.choices).get(value, value)),
    "payment_status": lambda value: str(dict(PaymentStatus.choices).get(value, value)),
}
