"""The day of a page about money, and the links to the days around it."""

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst

from orders.presentation.formatting import day as day_text
from orders.selectors.presets import DAY_PARAMETER


def day_of(request: HttpRequest) -> date:
    """Return the day in `?date=` or in the posted form, or else today in Almaty."""
    typed = request.POST.get(DAY_PARAMETER) or request.GET.get(DAY_PARAMETER, "")
    try:
        found = date.fromisoformat(typed)
    except ValueError:
        return timezone.localdate()
    return found if 2000 <= found.year < 2100 else timezone.localdate()


def days_around(day: date) -> list[dict[str, Any]]:
    """Return the links to the day before, to the day itself, to the day after, and to today."""
    days = sorted({day - timedelta(days=1), day, day + timedelta(days=1), timezone.localdate()})
    return [{"day": one.isoformat(), "words": capfirst(day_text(one)), "is_shown": one == day} for one in days]


def typed_sum(typed: str) -> Decimal | None:
    """Return the sum that a user has typed, such as `12 500,50`, or None if it is no sum."""
    text = "".join(typed.split()).replace(",", ".").removesuffix("₸")
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < Decimal(10) ** 10 else None
