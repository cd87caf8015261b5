"""Format datetimes, durations and percentages for staff, in the shop's time zone.

`orders.presentation.formatting` has more formats for orders: money, days and quantities.
"""

from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext

NBSP = "\N{NO-BREAK SPACE}"


def full_day(value: date) -> str:
    """Return the day in the format `25.08.2025`."""
    return f"{value:%d.%m.%Y}"


def full_moment(value: datetime) -> str:
    """Return the local date and time in the format `25.08.2025 11:42`."""
    return f"{timezone.localtime(value):%d.%m.%Y %H:%M}"


def moment_of_year(value: datetime) -> str:
    """Return the local date and time in the format `25.08 11:42`, with the year if it is not the current year."""
    at = timezone.localtime(value)
    return f"{at:%d.%m %H:%M}" if at.year == timezone.localdate().year else full_moment(at)


def short_moment(value: datetime, *, with_years: bool = False) -> str:
    """Return `11:42` for a time of today, otherwise `25.08 11:42`.

    If `with_years` is true, return only the date, with the year, for a time of a different year.
    """
    at, today = timezone.localtime(value), timezone.localdate()
    if at.date() == today:
        return f"{at:%H:%M}"
    return full_day(at) if with_years and at.year != today.year else f"{at:%d.%m %H:%M}"


def duration(seconds: float) -> str:
    """Return a duration in one unit, rounded down, such as `90 s` or `5 min`."""
    if seconds < 120:
        return gettext("%(number)s s") % {"number": int(seconds)}
    if seconds < 7200:
        return gettext("%(number)s min") % {"number": int(seconds // 60)}
    if seconds < 48 * 3600:
        return gettext("%(number)s h") % {"number": int(seconds // 3600)}
    return gettext("%(number)s d") % {"number": int(seconds // 86400)}


def precise_duration(length: timedelta) -> str:
    """Return a duration in its two largest units, rounded down, such as `1 h 10 min` or `2 d 3 h`."""
    minutes = int(length.total_seconds() // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [
        (days, gettext("%(count)s d")),
        (hours, gettext("%(count)s h")),
        (0 if days else minutes, gettext("%(count)s min")),
    ]
    shown = [text % {"count": count} for count, text in parts if count]
    return " ".join(shown) or gettext("%(count)s min") % {"count": 0}


def thousands(number: int) -> str:
    """Return a whole number with a no-break space between thousands, such as `1 234`."""
    return f"{number:,}".replace(",", NBSP)


def percent(number: int) -> str:
    """Return a percentage with a no-break space, such as `12 %`."""
    return f"{number}{NBSP}%"
