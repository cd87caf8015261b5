"""Tests of the moments at which scheduled reports are due, and of their days."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orders.models import Frequency, RelativePeriod
from orders.rules.report_times import Timing, days_of, due_after, due_until

ALMATY = ZoneInfo("Asia/Almaty")
DAILY, WEEKLY, MONTHLY = Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY
MONDAY, FRIDAY = 0, 4

timings = st.builds(
    Timing, st.sampled_from(Frequency.values), st.integers(0, 23), st.integers(0, 6), st.integers(1, 31)
)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=ALMATY)


@pytest.mark.parametrize(
    ("timing", "now", "expected"),
    [
        (Timing(DAILY, 9), "2026-11-30 08:59", "2026-11-30 09:00"),
        (Timing(DAILY, 9), "2026-11-30 09:00", "2026-12-01 09:00"),
        (Timing(DAILY, 0), "2026-12-31 12:00", "2027-01-01 00:00"),
        (Timing(WEEKLY, 9, weekday=MONDAY), "2026-11-30 08:00", "2026-11-30 09:00"),
        (Timing(WEEKLY, 9, weekday=MONDAY), "2026-11-30 10:00", "2026-12-07 09:00"),
        (Timing(WEEKLY, 9, weekday=FRIDAY), "2026-11-30 10:00", "2026-12-04 09:00"),
        (Timing(MONTHLY, 9, day=1), "2026-11-30 10:00", "2026-12-01 09:00"),
        (Timing(MONTHLY, 9, day=31), "2026-11-30 08:00", "2026-11-30 09:00"),
        (Timing(MONTHLY, 9, day=31), "2026-11-30 09:00", "2026-12-31 09:00"),
        (Timing(MONTHLY, 9, day=30), "2027-02-01 00:00", "2027-02-28 09:00"),
        (Timing(MONTHLY, 9, day=29), "2028-02-01 00:00", "2028-02-29 09:00"),
        (Timing(MONTHLY, 23, day=31), "2026-12-31 23:00", "2027-01-31 23:00"),
        # On this day the clocks in Almaty went back from UTC+6 to UTC+5.
        (Timing(DAILY, 9), "2024-02-29 12:00", "2024-03-01 09:00"),
    ],
)
def test_next_due_moment(timing, now, expected):
    assert due_after(timing, at(now)) == at(expected)


@pytest.mark.parametrize(
    ("timing", "now", "expected"),
    [
        (Timing(DAILY, 9), "2026-11-30 09:00", "2026-11-30 09:00"),
        (Timing(DAILY, 9), "2026-11-30 08:59", "2026-11-29 09:00"),
        (Timing(WEEKLY, 9, weekday=FRIDAY), "2026-11-30 08:59", "2026-11-27 09:00"),
        (Timing(MONTHLY, 9, day=31), "2027-03-01 00:00", "2027-02-28 09:00"),
        (Timing(MONTHLY, 9, day=1), "2027-01-01 08:00", "2026-12-01 09:00"),
    ],
)
def test_last_due_moment(timing, now, expected):
    assert due_until(timing, at(now)) == at(expected)


@given(timings, moments)
def test_due_moments_of_any_timing_are_neighbours(timing, now):
    last, following = due_until(timing, now), due_after(timing, now)

    assert last <= now < following
    assert due_after(timing, last) == following
    assert due_until(timing, following - timedelta(microseconds=1)) == last
    assert timezone.localtime(following).hour == timing.hour


@given(timings, moments)
def test_monthly_report_is_due_once_in_each_month(timing, now):
    monthly = Timing(MONTHLY, timing.hour, day=timing.day)
    first, second = due_until(monthly, now), due_after(monthly, now)
    months = [timezone.localtime(one).year * 12 + timezone.localtime(one).month for one in (first, second)]

    assert months[1] - months[0] == 1


@pytest.mark.parametrize(
    ("period", "due", "first", "last"),
    [
        (RelativePeriod.TODAY, "2026-11-30 20:00", date(2026, 11, 30), date(2026, 11, 30)),
        (RelativePeriod.YESTERDAY, "2026-03-01 00:00", date(2026, 2, 28), date(2026, 2, 28)),
        (RelativePeriod.LAST_WEEK, "2026-11-30 09:00", date(2026, 11, 23), date(2026, 11, 29)),
        (RelativePeriod.LAST_WEEK, "2026-11-29 09:00", date(2026, 11, 16), date(2026, 11, 22)),
        (RelativePeriod.LAST_MONTH, "2028-03-31 09:00", date(2028, 2, 1), date(2028, 2, 29)),
        (RelativePeriod.LAST_MONTH, "2027-01-01 00:00", date(2026, 12, 1), date(2026, 12, 31)),
        (RelativePeriod.MONTH, "2026-11-30 23:00", date(2026, 11, 1), date(2026, 11, 30)),
    ],
)
def test_days_of_a_report(period, due, first, last):
    assert days_of(period, at(due)) == (first, last)


def test_days_of_a_report_are_those_of_almaty_when_the_moment_is_in_utc():
    late = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)  # 01:00 of the next day in Almaty

    assert days_of(RelativePeriod.TODAY, late) == (date(2026, 11, 30), date(2026, 11, 30))
