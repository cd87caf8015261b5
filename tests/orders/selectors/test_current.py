"""Tests of the condition of current orders, which uses one index for the dates and one for the creation."""

from datetime import date, datetime, time, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from orders.models import Order
from orders.selectors.presets import CURRENT, Moment, is_current

DAY = timedelta(days=1)
NOW = datetime.fromisoformat("2026-05-20T12:00:00+05:00")
FIRST = NOW.date() - CURRENT
"""The first of the current days."""

OFFSETS = (-DAY, -timedelta(seconds=1), timedelta(0), DAY, 3 * DAY)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


@pytest.mark.django_db
@pytest.mark.parametrize("created_at", [_midnight(FIRST) + offset for offset in OFFSETS])
@pytest.mark.parametrize("day", [None, *(FIRST + offset * DAY for offset in range(-2, 4))])
def test_order_is_current_by_its_date_or_its_creation(created_at, day):
    order = Order.objects.create(order_number="1", status_id="new", delivery_date=day)
    Order.objects.filter(pk=order.pk).update(created_at=created_at)
    is_expected = created_at >= _midnight(FIRST) or (day is not None and day >= FIRST)
    found = Order.objects.filter(is_current(Moment.of(AnonymousUser(), NOW)))
    assert found.exists() == is_expected
