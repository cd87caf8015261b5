"""Format money, dates and quantities for staff."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext, pgettext_lazy

NO_BREAK_SPACE = "\u00a0"
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


def money(amount: Decimal, currency: str = "KZT") -> str:
    """Return an amount such as `9 000 ₸`, with no-break spaces and without zero hundredths."""
    rounded = amount.quantize(Decimal("0.01"))
    digits = f"{rounded:,.0f}" if rounded == rounded.to_integral_value() else f"{rounded:,.2f}"
    text = digits.replace(",", NO_BREAK_SPACE).replace(".", ",")
    return f"{text}{NO_BREAK_SPACE}{SIGNS.get(currency, currency)}"


def quantity(amount: Decimal) -> str:
    """Return a quantity such as `1` or `1,5`, without trailing zeros."""
    whole = amount.to_integral_value()
    return f"{whole:.0f}" if amount == whole else f"{amount.normalize():f}".replace(".", ",")


def day(when: date, *, today: date | None = None) -> str:
    """Return a day such as `Сегодня, пн 25 августа`, with the year if it is not the current one.

    `today` is the current day in Almaty.
    """
    today = today or timezone.localdate()
    text = f"{WEEKDAYS[when.weekday()]} {_day_and_month(when, today)}"
    if when == today:
        return gettext("Today, %(day)s") % {"day": text}
    if when == today + timedelta(days=1):
        return gettext("Tomorrow, %(day)s") % {"day": text}
    return text


def moment(when: datetime, *, today: date | None = None) -> str:
    """Return a time such as `11:42`, with the day if it is not today."""
    today = today or timezone.localdate()
    local = timezone.localtime(when)
    clock = f"{local:%H:%M}"
    return clock if local.date() == today else f"{_day_and_month(local.date(), today)}, {clock}"


def _day_and_month(when: date, today: date) -> str:
    return format_date(when, "j E" if when.year == today.year else "j E Y")
