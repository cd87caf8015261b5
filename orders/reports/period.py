"""The periods of reports, and those with which they are compared. All days are days in Almaty."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

MOST_DAYS = 1830
"""The length of the longest period: five years."""
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)


class Span(models.TextChoices):
    """How a period is chosen. A week, a month, a quarter and a year last until today."""

    TODAY = "today", _("Today")
    YESTERDAY = "yesterday", _("Yesterday")
    WEEK = "week", pgettext_lazy("period", "Week")
    MONTH = "month", pgettext_lazy("period", "Month")
    QUARTER = "quarter", pgettext_lazy("period", "Quarter")
    YEAR = "year", pgettext_lazy("period", "Year")
    DATES = "dates", _("Any dates")


_MONTHS = {Span.MONTH: 1, Span.QUARTER: 3, Span.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, which belongs to the period."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Return the number of days."""
        return (self.last - self.first).days + 1

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """Return the first moment of the period, and the first moment after it."""
        return _midnight(self.first), _midnight(self.last + timedelta(days=1))

    def each_day(self) -> Iterator[date]:
        """Yield the days."""
        return (self.first + timedelta(days=number) for number in range(self.days))

    def within(self, other: "Period") -> "Period":
        """Return the days that both periods have. They must have some."""
        return Period(max(self.first, other.first), min(self.last, other.last))


def period_of(span: Span, today: date, dates: Period | None = None) -> Period:
    """Return the period that is chosen on this day. `dates` are the chosen dates of `Span.DATES`."""
    if span == Span.DATES and dates is not None:
        return dates
    if span == Span.YESTERDAY:
        return Period(today - timedelta(days=1), today - timedelta(days=1))
    if span == Span.WEEK:
        return Period(today - timedelta(days=today.weekday()), today)
    if span in _MONTHS:
        return Period(_unit_start(today, _MONTHS[span]), today)
    return Period(today, today)


def period_before(span: Span, period: Period) -> Period:
    """Return the period before. A month is compared with the same days of the month before.

    A finished month, quarter or year is compared with the whole one before. Dates are compared with as many days.
    """
    if span in _MONTHS:
        months = _MONTHS[span]
        first = add_months(period.first, -months)
        is_whole = period.last + timedelta(days=1) == add_months(period.first, months)
        return Period(first, period.first - timedelta(days=1) if is_whole else add_months(period.last, -months))
    shift = timedelta(days=7 if span == Span.WEEK else period.days)
    return Period(period.first - shift, period.last - shift)


def year_before(period: Period) -> Period:
    """Return the same days a year before. 29 February becomes 28 February."""
    return Period(add_months(period.first, -12), add_months(period.last, -12))


def add_months(day: date, months: int) -> date:
    """Return the same day of another month, or the last day of that month if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _unit_start(day: date, months: int) -> date:
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())
