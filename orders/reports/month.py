"""The numbers of today and of this month, as the reports of sales and of deliveries have them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from orders.models import MonthPlan
from orders.reports.definitions.delivery import DELIVERY
from orders.reports.definitions.sales import SALES
from orders.reports.dimensions import DAY, SHOP
from orders.reports.period import Span, period_of
from orders.reports.reading import read_sums
from orders.reports.scope import Basis, Scope
from orders.reports.tables import Sums
from orders.rules.plan import Progress, progress_of


@dataclass(frozen=True, slots=True)
class Numbers:
    """The orders of some days. Sums are in KZT."""

    amount: Decimal
    orders: int
    uncounted: int
    """The number of orders whose sum is unknown or not in KZT."""
    delivered: int
    late: int

    @property
    def on_time(self) -> int | None:
        """Return the share of deliveries on time, in per cent, or None if there are no deliveries."""
        return round(100 * (self.delivered - self.late) / self.delivered) if self.delivered else None


@dataclass(frozen=True, slots=True)
class Month:
    """The numbers of this month up to today, by delivery date."""

    day: date
    today: Numbers
    month: Numbers
    of_shops: Mapping[int | None, tuple[Decimal, int]]
    """The sums and the numbers of orders of this month by the ids of the shops."""


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of one month."""

    whole: MonthPlan | None
    of_shops: tuple[MonthPlan, ...]


def read_month(day: date) -> Month:
    """Return the numbers of a day and of its month up to this day, with three queries."""
    scope = Scope(Span.MONTH, period_of(Span.MONTH, day), Basis.DELIVERY)
    sales, deliveries = read_sums(SALES.grouping(DAY.key), scope), read_sums(DELIVERY.grouping(DAY.key), scope)
    of_shops = read_sums(SALES.grouping(SHOP.key), scope)
    return Month(
        day,
        _numbers(sales, deliveries, [day]),
        _numbers(sales, deliveries, {*sales, *deliveries}),
        {shop: (sums["amount"], sums["orders"]) for shop, sums in of_shops.items()},
    )


def plans_of(day: date) -> Plans:
    """Return the plans of the month of this day, with one query."""
    found = list(MonthPlan.objects.filter(month=day.replace(day=1)).select_related("shop").order_by("shop__name"))
    whole = next((plan for plan in found if plan.shop_id is None), None)
    return Plans(whole, tuple(plan for plan in found if plan.shop_id is not None))


def progress_with(month: Month, plan: MonthPlan | None) -> Progress:
    """Return how far the sales of the month are from the plan of all orders."""
    return progress_of(
        month.day,
        plan=plan.amount if plan is not None else None,
        before=month.month.amount - month.today.amount,
        today=month.today.amount,
    )


def _numbers(sales: Mapping[Any, Sums], deliveries: Mapping[Any, Sums], days: Any) -> Numbers:
    sold = [sales[day] for day in days if day in sales]
    delivered = [deliveries[day] for day in days if day in deliveries]
    return Numbers(
        amount=sum((one["amount"] for one in sold), Decimal(0)),
        orders=sum(one["orders"] for one in sold),
        uncounted=sum(one["uncounted"] for one in sold),
        delivered=sum(one["orders"] for one in delivered),
        late=sum(one["late"] for one in delivered),
    )
