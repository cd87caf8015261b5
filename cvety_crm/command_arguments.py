"""Read arguments of management commands."""

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime


def read_moment(text: str) -> tuple[datetime, bool] | None:
    """Return an aware datetime, and whether `text` is a date. The datetime of a date is its midnight.

    Return None if `text` is neither a date nor a datetime. A datetime without an offset is in the shop's time zone.
    """
    try:
        day = parse_date(text.strip())
        moment = datetime(day.year, day.month, day.day) if day else parse_datetime(text.strip())  # noqa: DTZ001
    except ValueError:
        return None
    if moment is None:
        return None
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment), day is not None
