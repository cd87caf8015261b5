"""Tests that the numbers of the home page are those of the reports."""

from datetime import date
from decimal import Decimal

import pytest

from orders.models import MonthPlan, Shop
from orders.reports.definitions.delivery import DELIVERY
from orders.reports.definitions.sales import SALES
from orders.reports.month import plans_of, progress_with, read_month
from orders.reports.period import Period, Span, period_of
from orders.reports.reading import read_table, read_totals
from orders.reports.scope import Basis, Scope
from tests.orders.reports.shop import make_shop

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 16)


def scope(span):
    return Scope(span, period_of(span, TODAY), Basis.DELIVERY)


@pytest.mark.parametrize("seed", [1, 2])
def test_numbers_are_those_of_the_reports(seed, django_assert_num_queries):
    make_shop(seed, 400, TODAY)
    with django_assert_num_queries(3):
        month = read_month(TODAY)
    for numbers, span in ((month.today, Span.TODAY), (month.month, Span.MONTH)):
        sales = read_totals(SALES.grouping("day"), scope(span), scope(span).period)
        assert (numbers.amount, numbers.orders, numbers.uncounted) == (
            sales["amount"], sales["orders"], sales["uncounted"],
        )  # fmt: skip
        deliveries = read_table(DELIVERY.grouping("day"), scope(span)).totals
        assert (numbers.delivered, numbers.late) == (deliveries["orders"], deliveries["late"])
        assert numbers.orders
    rows = read_table(SALES.grouping("shop"), scope(Span.MONTH)).rows
    assert {row.key: (row.values["amount"], row.values["orders"]) for row in rows} == {
        shop: sums for shop, sums in month.of_shops.items() if sums[1]
    }


def test_progress_compares_with_the_plan_of_all_orders():
    make_shop(3, 50, TODAY)
    shop = Shop.objects.first()
    of_shop = MonthPlan.objects.create(month=date(2026, 11, 1), shop=shop, amount=Decimal(5))
    MonthPlan.objects.create(month=date(2026, 12, 1), amount=Decimal(7))
    assert plans_of(TODAY).whole is None
    whole = MonthPlan.objects.create(month=date(2026, 11, 1), amount=Decimal(1_000_000))
    plans, month = plans_of(TODAY), read_month(TODAY)
    assert (plans.whole, plans.of_shops) == (whole, (of_shop,))
    progress = progress_with(month, plans.whole)
    assert (progress.plan, progress.sales, progress.today) == (1_000_000, month.month.amount, month.today.amount)
    assert progress.days_left == 15
    assert Period(date(2026, 11, 1), TODAY) == period_of(Span.MONTH, TODAY)
