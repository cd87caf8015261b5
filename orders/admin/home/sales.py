"""The sums of today and of this month against the plan, with the numbers of the reports."""

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.urls import reverse
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext, ngettext

from cvety_crm.users import AnyUser
from orders.admin.home.cards import Card, Visit
from orders.admin.reports.page import list_url
from orders.models import MonthPlan
from orders.presentation.formatting import number, percent
from orders.presentation.payment import uncounted_sums
from orders.reports.definitions.delivery import DELIVERY
from orders.reports.definitions.report import Report
from orders.reports.definitions.sales import SALES
from orders.reports.month import Month, Numbers, plans_of, progress_with, read_month
from orders.reports.period import Period, Span, period_of
from orders.reports.populations import SOLD
from orders.reports.scope import Basis, Scope
from orders.reports.tables import Kind
from orders.reports.texts import value_text
from orders.rules.plan import Progress

KEEP_SECONDS = 60


def sales_block(visit: Visit) -> dict[str, Any]:
    """Return the context of the block. It takes four queries, of which the cache keeps three."""
    month, plans = _month(visit.today), plans_of(visit.today)
    progress = progress_with(month, plans.whole)
    return {
        "title": gettext("Today and %(month)s") % {"month": format_date(visit.today, "F").lower()},
        "cards": [
            _today_card(month, progress),
            _month_card(month, progress),
            *_plan_cards(visit.user, progress),
            _orders_card(gettext("Orders today"), month.today, Period(visit.today, visit.today), None),
            _orders_card(gettext("Orders of the month"), month.month, period_of(Span.MONTH, visit.today), plans.whole),
            _on_time_card(gettext("On time today"), month.today, Span.TODAY),
            _on_time_card(gettext("On time this month"), month.month, Span.MONTH),
        ],
        "shops": [_shop(plan, month) for plan in plans.of_shops],
    }


def _month(day: date) -> Month:
    key = f"orders.admin.home.sales:{day.isoformat()}"
    found: Month | None = cache.get(key)
    if found is None:
        found = read_month(day)
        cache.set(key, found, KEEP_SECONDS)
    return found


def _today_card(month: Month, progress: Progress) -> Card:
    words = ""
    if needed := progress.needed_a_day:
        words = gettext("%(percent)s of the %(sum)s that a day needs") % {
            "percent": percent(int(100 * progress.today / needed)),
            "sum": _money(needed),
        }
    words = _with_uncounted(words, month.today)
    return Card(gettext("Sales today"), _money(progress.today), _report_url(SALES, Span.TODAY), words)


def _month_card(month: Month, progress: Progress) -> Card:
    words = gettext("up to today; there is no plan")
    if progress.plan is not None and progress.percent is not None:
        words = gettext("%(percent)s of the plan: %(sum)s") % {
            "percent": percent(progress.percent),
            "sum": _money(progress.plan),
        }
    words = _with_uncounted(words, month.month)
    return Card(gettext("Sales of the month"), _money(progress.sales), _report_url(SALES, Span.MONTH), words)


def _plan_cards(user: AnyUser, progress: Progress) -> list[Card]:
    plans_url = reverse("admin:orders_monthplan_changelist")
    if progress.plan is None:
        url = reverse("admin:orders_monthplan_add") if user.has_perm("orders.add_monthplan") else plans_url
        first = Card(gettext("Plan of the month"), "—", url, gettext("Enter the plan of this month"))
    elif progress.is_met:
        above = _money(progress.sales - progress.plan)
        first = Card(gettext("Needed a day"), _money(Decimal(0)), plans_url, gettext("the plan is met, +%(sum)s") % {
            "sum": above
        })  # fmt: skip
    else:
        left = ngettext("%(count)s day is left, with today", "%(count)s days are left, with today", progress.days_left)
        words = left % {"count": progress.days_left}
        first = Card(gettext("Needed a day"), _money(progress.needed_a_day), plans_url, words)
    return [first, _forecast_card(progress)]


def _forecast_card(progress: Progress) -> Card:
    title, url = gettext("Forecast of the month"), _report_url(SALES, Span.MONTH, by="day")
    if progress.forecast is None:
        return Card(title, "—", url, gettext("It is the first day: there is no pace yet"))
    words = gettext("at the pace of %(sum)s a day") % {"sum": _money(progress.pace)}
    if progress.plan is not None:
        words = f"{words}: {_against_plan(progress.forecast, progress.plan)}"
    return Card(title, _money(progress.forecast), url, words)


def _against_plan(forecast: Decimal, plan: Decimal) -> str:
    difference = round(100 * (forecast / plan - 1))
    if not difference:
        return gettext("as planned")
    text = gettext("%(percent)s above the plan") if difference > 0 else gettext("%(percent)s below the plan")
    return text % {"percent": percent(abs(difference))}


def _orders_card(title: str, numbers: Numbers, period: Period, plan: MonthPlan | None) -> Card:
    words = gettext("without cancelled ones")
    if plan is not None and plan.orders:
        words = gettext("%(percent)s of the plan: %(count)s") % {
            "percent": percent(int(100 * numbers.orders / plan.orders)),
            "count": number(plan.orders),
        }
    parameters = Scope(Span.DATES, period, Basis.DELIVERY).list_parameters(period) | {"counted": SOLD.key}
    return Card(title, number(numbers.orders), list_url(parameters), words)


def _on_time_card(title: str, numbers: Numbers, span: Span) -> Card:
    url = _report_url(DELIVERY, span)
    if numbers.on_time is None:
        return Card(title, "—", url, gettext("no deliveries yet"))
    words = gettext("delivered: %(count)s, late: %(late)s") % {"count": numbers.delivered, "late": numbers.late}
    return Card(title, percent(numbers.on_time), url, words)


def _shop(plan: MonthPlan, month: Month) -> dict[str, Any]:
    amount, orders = month.of_shops.get(plan.shop_id, (Decimal(0), 0))
    return {
        "name": str(plan.shop),
        "url": _report_url(SALES, Span.MONTH, shop=str(plan.shop_id)),
        "sum": _money(amount),
        "orders": number(orders),
        "plan": _money(plan.amount),
        "percent": percent(int(100 * amount / plan.amount)),
        "share": min(int(100 * amount / plan.amount), 100),
    }


def _report_url(report: Report, span: Span, **more: str) -> str:
    return f"{reverse('report', args=[report.key])}?{urlencode({'span': span.value, **more})}"


def _with_uncounted(words: str, numbers: Numbers) -> str:
    if not numbers.uncounted:
        return words
    without = gettext("without %(sums)s") % {"sums": uncounted_sums(numbers.uncounted)}
    return f"{words}; {without}" if words else without


def _money(value: Decimal | None) -> str:
    return value_text(Kind.MONEY, value)
