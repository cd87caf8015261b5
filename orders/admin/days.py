"""The reading of a day that a URL or a form names."""

from datetime import date

from django.utils.dateparse import parse_date


def day_or_none(text: str | None) -> date | None:
    """Return the day, or None if the string is not a date between the years 2000 and 2099."""
    try:
        found = parse_date(text) if text else None
    except ValueError:
        return None
    return found if found is not None and 2000 <= found.year < 2100 else None
