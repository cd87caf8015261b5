"""The metrics of the start page: today, compared with the same weekday of the last weeks, and the last thirty days.

A single query returns all of them. It uses the index of delivery dates and reads only the orders of 34 days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils.translation import gettext

from cvety_crm.users import AnyUser
from orders.models import Order, Stage
from orders.presentation.formatting import money, percent
from orders.presentation.payment import uncounted_sums
from orders.rules.payment import sum_is_counted
from orders.rules.visibility import may_see_prices
from orders.selectors.presets import preset_url

KEEP_SECONDS = 60
CHART_DAYS = 30
WEEKS = 8
"""The number of past weeks in the average of a weekday."""
LEAST_DAYS = 2
"""The minimum number of days with orders for which an average is computed."""
SAME = 1
"""A difference below this value, in per cent, is shown as no difference."""


@dataclass(frozen=True, slots=True)
class Day:
    """The orders for delivery on a day, without cancelled orders. Sums are in KZT."""

    day: date
    orders: int = 0
    done: int = 0
    amount: Decimal = Decimal(0)
    """The total of the known sums in KZT."""
    counted: int = 0
    """The number of orders whose sums are in the total."""

    @property
    def average(self) -> Decimal | None:
        """Return the average of the known sums, in KZT, or None if no sum is known."""
        return self.amount / self.counted if self.counted else None


@dataclass(frozen=True, slots=True)
class Usual:
    """The averages of a weekday, over those days of the last weeks that had orders. Sums are in KZT."""

    orders: Decimal
    amount: Decimal
    average: Decimal | None
    """None if no sum is known."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of the start page."""

    today: Day
    usual: Usual | None
    """None if there are too few days to compare with."""
    days: tuple[Day, ...]
    """The last `CHART_DAYS` days up to today, including days without orders."""


def metrics(today: date) -> Metrics:
    """Return the metrics of a day, with one query."""
    first = today - timedelta(days=CHART_DAYS - 1)
    weekdays = [today - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
    rows = (
        Order.objects.filter(Q(delivery_date__range=(first, today)) | Q(delivery_date__in=weekdays))
        .filter(is_cancelled=False, is_deleted_on_site=False)
        .exclude(status__stage=Stage.CANCELLED)
        .order_by()
        .values("delivery_date")
        .annotate(
            orders=Count("pk"),
            done=Count("pk", filter=Q(status__stage=Stage.DONE)),
            amount=Sum("total_amount", filter=sum_is_counted(), default=Decimal(0)),
            counted=Count("pk", filter=sum_is_counted()),
        )
    )
    found = {
        day: Day(day, row["orders"], row["done"], row["amount"], row["counted"])
        for row in rows
        if (day := row["delivery_date"])
    }
    return Metrics(
        today=found.get(today, Day(today)),
        usual=_usual([found[day] for day in weekdays if day in found]),
        days=tuple(found.get(day, Day(day)) for day in (first + timedelta(days=n) for n in range(CHART_DAYS))),
    )


def _usual(days: Sequence[Day]) -> Usual | None:
    if len(days) < LEAST_DAYS:
        return None
    orders, counted = sum(day.orders for day in days), sum(day.counted for day in days)
    amount = sum((day.amount for day in days), Decimal(0))
    return Usual(Decimal(orders) / len(days), amount / len(days), amount / counted if counted else None)


def figures_of_today(user: AnyUser, today: date) -> list[dict[str, str]]:
    """Return the cards of today's metrics, without sums that this user may not see."""
    sees_past = _sees_past(user, today)
    return _cards(_cached(today), sees_today=may_see_prices(user, today), sees_past=sees_past)


def chart_of_days(user: AnyUser, today: date) -> Mapping[str, Any]:
    """Return the chart and the table of the last days, without sums if the user may not see all of them."""
    days, sees_sums = _cached(today).days, _sees_past(user, today)
    return {"chart": _chart(days, sees_sums), "days": _table(days), "sees_sums": sees_sums}


def _cached(today: date) -> Metrics:
    key = f"orders.selectors.dashboard.metrics:{today.isoformat()}"
    found: Metrics | None = cache.get(key)
    if found is None:
        found = metrics(today)
        cache.set(key, found, KEEP_SECONDS)
    return found


def _sees_past(user: AnyUser, today: date) -> bool:
    return may_see_prices(user, today - timedelta(days=1))


def _cards(found: Metrics, *, sees_today: bool, sees_past: bool) -> list[dict[str, str]]:
    today, usual = found.today, found.usual
    if today.orders:
        share = gettext("%(percent)s of the day's orders")
        done_words = share % {"percent": percent(round(100 * today.done / today.orders))}
    else:
        done_words = gettext("nothing to deliver yet")
    cards = [
        {
            "title": gettext("To deliver today"),
            "value": str(today.orders),
            "words": _compared(today.orders, usual.orders if usual else None, today.day),
            "url": preset_url("today"),
        },
        {"title": gettext("Done so far"), "value": str(today.done), "words": done_words, "url": reverse("day_board")},
    ]
    if not sees_today:
        return cards
    sums: tuple[tuple[str, Decimal | None, Decimal | None], ...] = (
        (gettext("Sum"), today.amount, usual.amount if usual else None),
        (gettext("Average bill"), today.average, usual.average if usual else None),
    )
    for title, value, of_weekday in sums:
        # The difference to the average would reveal the average.
        words = _compared(value, of_weekday, today.day) if sees_past else ""
        if uncounted := today.orders - today.counted:
            words = gettext("without %(sums)s") % {"sums": uncounted_sums(uncounted)}
        cards.append({"title": title, "value": _whole(value), "words": words, "url": ""})
    return cards


def _compared(value: Decimal | int | None, usual: Decimal | None, day: date) -> str:
    """Return a message about the difference to the average, such as `+12 % to the average Tuesday`."""
    if usual is None or value is None:
        return gettext("nothing to compare with yet") if usual is None else ""
    if not usual:
        return ""
    difference = round(100 * (Decimal(value) / usual - 1))
    if abs(difference) < SAME:
        return gettext("as usual on this weekday")
    sign = "+" if difference > 0 else "−"
    return gettext("%(percent)s to %(weekday)s") % {
        "percent": f"{sign}{percent(abs(difference))}",
        "weekday": _average_weekday(day),
    }


def _whole(amount: Decimal | None) -> str:
    return money(None if amount is None else amount.quantize(Decimal(1)))


def _average_weekday(day: date) -> str:
    return (
        gettext("the average Monday"),
        gettext("the average Tuesday"),
        gettext("the average Wednesday"),
        gettext("the average Thursday"),
        gettext("the average Friday"),
        gettext("the average Saturday"),
        gettext("the average Sunday"),
    )[day.weekday()]


def _table(days: Sequence[Day]) -> list[dict[str, Any]]:
    """Return the rows of the table of days, the latest day first."""
    return [{"day": day.day, "orders": day.orders, "amount": _whole(day.amount)} for day in reversed(days)]


def _chart(days: Sequence[Day], with_sums: bool) -> dict[str, Any]:
    """Return the data and the options of Chart.js: orders as bars, and their sums in thousands of KZT as a line."""
    datasets: list[dict[str, Any]] = [
        {
            "label": gettext("Orders"),
            "data": [day.orders for day in days],
            "backgroundColor": "#8b5cf6",
            "borderRadius": 3,
            "order": 2,
        }
    ]
    # Unfold sets the colours of the grid by theme. These greys are readable on white and on black.
    axis = {"ticks": {"color": "#6b7280", "precision": 0}, "grid": {"display": True}, "beginAtZero": True}
    scales: dict[str, Any] = {
        "x": {
            "ticks": {"color": "#6b7280", "autoSkip": True, "maxTicksLimit": 10, "maxRotation": 0},
            "grid": {"display": False},
        },
        "y": {**axis, "title": {"display": True, "text": gettext("orders, number")}},
    }
    if with_sums:
        datasets.append(
            {
                "type": "line",
                "label": gettext("Sum, thousand ₸"),
                "data": [round(float(day.amount) / 1000, 1) for day in days],
                "borderColor": "#c2410c",
                "backgroundColor": "#c2410c",
                "pointRadius": 2,
                "tension": 0.25,
                "yAxisID": "y1",
                "order": 1,
            }
        )
        scales["y1"] = {
            **axis,
            "position": "right",
            "grid": {"display": False},
            "title": {"display": True, "text": gettext("thousand ₸")},
        }
    options = {
        "responsive": True,
        "maintainAspectRatio": False,
        "locale": "ru",
        "animation": False,
        "interaction": {"mode": "index", "intersect": False},
        "plugins": {"legend": {"position": "bottom", "labels": {"color": "#6b7280", "boxWidth": 12}}},
        "scales": scales,
    }
    return {"data": {"labels": [f"{day.day:%d.%m}" for day in days], "datasets": datasets}, "options": options}
