"""Tests of the progress of a month's sales against its plan."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.plan import progress_of

SUMS = st.decimals(min_value=0, max_value=10**9, places=2)
PLANS = st.decimals(min_value=1, max_value=10**9, places=2)


@pytest.mark.parametrize(
    ("day", "plan", "before", "today", "percent", "needed", "forecast"),
    [
        (date(2026, 11, 11), 300_000, 100_000, 20_000, 40, 10_000, 300_000),
        (date(2026, 11, 11), 300_000, 100_000, 250_000, 116, 10_000, 350_000),
        (date(2026, 11, 30), 300_000, 290_000, 0, 96, 10_000, 300_000),
        (date(2026, 11, 30), 300_000, 400_000, 0, 133, 0, 413_793),
        (date(2026, 2, 1), 280_000, 0, 5_000, 1, 10_000, None),
        (date(2026, 11, 29), 100, 50, 0, 50, 25, 53),
        (date(2026, 11, 11), None, 100_000, 20_000, None, None, 300_000),
        (date(2026, 11, 11), 300_000, 0, 0, 0, 15_000, 0),
    ],
)
def test_progress_of_a_month(day, plan, before, today, percent, needed, forecast):
    found = progress_of(day, plan=None if plan is None else Decimal(plan), before=Decimal(before), today=Decimal(today))
    assert (found.percent, found.needed_a_day) == (percent, needed)
    assert (found.forecast if found.forecast is None else int(found.forecast)) == forecast


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), PLANS, SUMS, SUMS)
def test_needed_sales_meet_the_plan_and_no_smaller_whole_sum_does(day, plan, before, today):
    found = progress_of(day, plan=plan, before=before, today=today)
    needed = found.needed_a_day
    assert before + needed * found.days_left >= plan
    assert needed == 0 or before + (needed - 1) * found.days_left < plan
    assert found.is_met == (found.percent >= 100)
    assert found.forecast is None or found.forecast >= found.sales
