"""Read arguments of management commands."""

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime


def read_moment(text: str) -> tuple[datetime, bool] | None:
    """Return an aware moment, and True for a date, whose moment is midnight; None for neither a date nor a time.

    A time without an offset is in the shop's time zone.
    """
    try:
        day = parse_date(text.strip())
        moment = datetime(day.year, day.month, day.day) if day else parse_datetime(text.strip())  # noqa: DTZ001
    except ValueError:
        return None
    if moment is None:
        return None
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment), day is not None
