"""Tests of the periods of reports and of those with which they are compared."""

from datetime import date, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from orders.reports.period import Period, Span, add_months, period_before, period_of, year_before


def period(first, last):
    return Period(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("span", "today", "found", "before", "a_year_before"),
    [
        ("today", "2026-11-30", ("2026-11-30",) * 2, ("2026-11-29",) * 2, ("2025-11-30",) * 2),
        ("today", "2028-02-29", ("2028-02-29",) * 2, ("2028-02-28",) * 2, ("2027-02-28",) * 2),
        ("yesterday", "2026-01-01", ("2025-12-31",) * 2, ("2025-12-30",) * 2, ("2024-12-31",) * 2),
        ("week", "2026-11-26", ("2026-11-23", "2026-11-26"), ("2026-11-16", "2026-11-19"),
         ("2025-11-23", "2025-11-26")),
        ("month", "2026-11-10", ("2026-11-01", "2026-11-10"), ("2026-10-01", "2026-10-10"),
         ("2025-11-01", "2025-11-10")),
        ("month", "2026-11-30", ("2026-11-01", "2026-11-30"), ("2026-10-01", "2026-10-31"),
         ("2025-11-01", "2025-11-30")),
        ("month", "2026-03-30", ("2026-03-01", "2026-03-30"), ("2026-02-01", "2026-02-28"),
         ("2025-03-01", "2025-03-30")),
        ("month", "2026-01-05", ("2026-01-01", "2026-01-05"), ("2025-12-01", "2025-12-05"),
         ("2025-01-01", "2025-01-05")),
        ("quarter", "2026-05-15", ("2026-04-01", "2026-05-15"), ("2026-01-01", "2026-02-15"),
         ("2025-04-01", "2025-05-15")),
        ("quarter", "2026-06-30", ("2026-04-01", "2026-06-30"), ("2026-01-01", "2026-03-31"),
         ("2025-04-01", "2025-06-30")),
        ("year", "2028-02-29", ("2028-01-01", "2028-02-29"), ("2027-01-01", "2027-02-28"),
         ("2027-01-01", "2027-02-28")),
        ("year", "2026-12-31", ("2026-01-01", "2026-12-31"), ("2025-01-01", "2025-12-31"),
         ("2025-01-01", "2025-12-31")),
    ],
)  # fmt: skip
def test_period_is_compared_with_the_same_days(span, today, found, before, a_year_before):
    chosen = period_of(Span(span), date.fromisoformat(today))
    assert chosen == period(*found)
    assert period_before(Span(span), chosen) == period(*before)
    assert year_before(chosen) == period(*a_year_before)


def test_dates_are_compared_with_as_many_days():
    chosen = period_of(Span.DATES, date(2026, 1, 1), period("2026-03-07", "2026-03-08"))
    assert chosen == period("2026-03-07", "2026-03-08")
    assert period_before(Span.DATES, chosen) == period("2026-03-05", "2026-03-06")


days = st.dates(date(2001, 1, 1), date(2098, 12, 31))


@given(st.sampled_from([span for span in Span if span != Span.DATES]), days)
def test_periods_end_today_and_do_not_overlap_with_the_one_before(span, today):
    chosen = period_of(span, today)
    before = period_before(span, chosen)
    assert chosen.last == (today - timedelta(1) if span == Span.YESTERDAY else today)
    assert chosen.first <= chosen.last
    assert before.first <= before.last < chosen.first
    assert chosen.days >= 1


@given(days, st.integers(1, 1830))
def test_dates_before_touch_the_dates(first, length):
    chosen = Period(first, first + timedelta(length - 1))
    before = period_before(Span.DATES, chosen)
    assert before.days == chosen.days == length
    assert before.last + timedelta(1) == chosen.first


@given(days, st.integers(-36, 36))
def test_months_are_added_within_the_month(day, months):
    found = add_months(day, months)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == months
    assert found.day <= day.day


def test_moments_are_midnights_in_almaty():
    start, end = period("2026-11-30", "2026-11-30").moments
    assert timezone.localtime(start).isoformat() == "2026-11-30T00:00:00+05:00"
    assert end - start == timedelta(days=1)
