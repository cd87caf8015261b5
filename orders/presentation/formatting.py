"""Functions that format money, quantities, dates and times for staff: on pages, on paper and in Telegram."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext, pgettext_lazy

from cvety_crm.formatting import NBSP, full_day, full_moment, percent, short_moment
from orders.models import DeliverySlot

__all__ = [
    "NBSP",
    "day",
    "delivery_time",
    "full_day",
    "full_moment",
    "long_day",
    "long_moment",
    "money",
    "number",
    "percent",
    "plain",
    "plain_text",
    "short_moment",
    "unit_price",
    "weekday_and_day",
]

SIGNS = {"KZT": "₸", "": "₸"}
WEEKDAYS = (
    pgettext_lazy("weekday", "Mon"),
    pgettext_lazy("weekday", "Tue"),
    pgettext_lazy("weekday", "Wed"),
    pgettext_lazy("weekday", "Thu"),
    pgettext_lazy("weekday", "Fri"),
    pgettext_lazy("weekday", "Sat"),
    pgettext_lazy("weekday", "Sun"),
)


def money(value: Decimal | None, currency: str = "KZT") -> str:
    """Return a sum such as `17 000 ₸`, with no-break spaces. Hundredths are shown only if the sum is not whole."""
    if value is None:
        return "—"
    return f"{number(value, places=2)}{NBSP}{SIGNS.get(currency, currency)}"


def unit_price(value: Decimal | None, currency: str = "KZT") -> str:
    """Return the price of one piece like `money`, with up to four decimals."""
    if value is None or value == round(value, 2):
        return money(value, currency)
    return f"{number(value, places=4)}{NBSP}{SIGNS.get(currency, currency)}"


def number(value: Decimal | int, places: int = 3, separator: str = NBSP) -> str:
    """Return a number with `separator` between thousands and a decimal comma. Whole numbers have no fraction."""
    text = f"{value:,.{places}f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"
    if value % 1 and places == 2:
        text = f"{value:,.2f}"
    return text.replace(",", separator).replace(".", ",")


def plain(value: Decimal) -> Decimal:
    """Return a number without trailing zeros: 1 and not 1.000, 7500 and not 7500.00."""
    whole = value.to_integral_value()
    return whole if whole == value else value.normalize()


def plain_text(value: Decimal | int) -> str:
    """Return a number without trailing zeros as a string for a form field, such as `7500` or `0.5`."""
    return f"{plain(Decimal(value)):f}"


def day(value: date | None, today: date | None = None) -> str:
    """Return “today”, “tomorrow” or “yesterday”, or the date, with the year if it is not the current one.

    Return an empty string if `value` is None.
    """
    if value is None:
        return ""
    today = today or timezone.localdate()
    if value == today:
        return gettext("today")
    if value == today + timedelta(days=1):
        return gettext("tomorrow")
    if value == today - timedelta(days=1):
        return gettext("yesterday")
    return f"{value:%d.%m}" if value.year == today.year else full_day(value)


def long_day(value: date, today: date | None = None) -> str:
    """Return a date such as `Today, Mon 25 August`, with the year if it is not the current one."""
    today = today or timezone.localdate()
    text = weekday_and_day(value, today)
    if value == today:
        return gettext("Today, %(day)s") % {"day": text}
    if value == today + timedelta(days=1):
        return gettext("Tomorrow, %(day)s") % {"day": text}
    return text


def weekday_and_day(value: date, today: date | None = None) -> str:
    """Return a date such as `Mon 25 August`. If `today` is given, add the year if `today` is in a different year."""
    return f"{WEEKDAYS[value.weekday()]} {_day_and_month(value, today)}"


def long_moment(value: datetime, today: date | None = None) -> str:
    """Return `11:42` if the time is today, or `24 August, 11:42`, with the year if it is not the current one."""
    today = today or timezone.localdate()
    at = timezone.localtime(value)
    clock = f"{at:%H:%M}"
    return clock if at.date() == today else f"{_day_and_month(at.date(), today)}, {clock}"


def delivery_time(delivery_date: date | None, slot: DeliverySlot | None, today: date | None = None) -> str:
    """Return the delivery date and slot, such as `today, 15:00–16:00`, or a dash if neither is known."""
    parts = [day(delivery_date, today), slot.name if slot else ""]
    return ", ".join(part for part in parts if part) or "—"


def _day_and_month(value: date, today: date | None) -> str:
    return format_date(value, "j E" if today is None or value.year == today.year else "j E Y")
