"""The day of a page about money, and the links to the days around it."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst

from orders.admin.days import day_or_none
from orders.presentation.formatting import day as day_text
from orders.selectors.presets import DAY_PARAMETER


def day_of(request: HttpRequest) -> date:
    """Return the day in `?date=` or in the posted form, or else today in Almaty."""
    return day_or_none(request.POST.get(DAY_PARAMETER) or request.GET.get(DAY_PARAMETER)) or timezone.localdate()


def days_around(day: date) -> list[dict[str, Any]]:
    """Return the links to the day before, to the day itself, to the day after, and to today."""
    days = sorted({day - timedelta(days=1), day, day + timedelta(days=1), timezone.localdate()})
    return [{"day": one, "words": capfirst(day_text(one)), "is_shown": one == day} for one in days]
