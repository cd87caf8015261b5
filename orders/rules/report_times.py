"""When a scheduled report is due, and which days it is about. All times are in Almaty."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from orders.models import Frequency, RelativePeriod

_DAY = timedelta(days=1)
_LONGEST_GAP = 62
"""The number of days that always contains two due moments, however rarely a report is sent."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a report is sent: each day, on a day of the week (0 is Monday), or on a day of the month, at an hour.

    In a month without this day, the report is sent on the last day.
    """

    frequency: str
    hour: int
    weekday: int = 0
    day: int = 1

    def is_due_on(self, day: date) -> bool:
        """Return whether the report is sent on this day."""
        if self.frequency == Frequency.WEEKLY:
            return day.weekday() == self.weekday
        if self.frequency == Frequency.MONTHLY:
            return day.day == min(self.day, monthrange(day.year, day.month)[1])
        return True


def due_after(timing: Timing, moment: datetime) -> datetime:
    """Return the first moment after this one at which the report is due."""
    return next(due for due in _days(timing, moment, _DAY) if due > moment)


def due_until(timing: Timing, moment: datetime) -> datetime:
    """Return the last moment, not after this one, at which the report is due."""
    return next(due for due in _days(timing, moment, -_DAY) if due <= moment)


def days_of(period: str, due: datetime) -> tuple[date, date]:
    """Return the first and the last day of the report that is due at this moment."""
    today = timezone.localtime(due, timezone.get_default_timezone()).date()
    match period:
        case RelativePeriod.YESTERDAY:
            return today - _DAY, today - _DAY
        case RelativePeriod.LAST_WEEK:
            monday = today - timedelta(days=today.weekday() + 7)
            return monday, monday + timedelta(days=6)
        case RelativePeriod.LAST_MONTH:
            last = today.replace(day=1) - _DAY
            return last.replace(day=1), last
        case RelativePeriod.MONTH:
            return today.replace(day=1), today
    return today, today


def _days(timing: Timing, moment: datetime, step: timedelta) -> Iterator[datetime]:
    """Yield the due moments of the days from the day of this moment on, in steps of a day."""
    zone = timezone.get_default_timezone()
    day = timezone.localtime(moment, zone).date()
    for _number in range(_LONGEST_GAP):
        if timing.is_due_on(day):
            yield timezone.make_aware(datetime.combine(day, time(timing.hour)), zone)
        day += step
