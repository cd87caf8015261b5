"""Tests of the metrics of the start page: today, the same weekday, and the last thirty days.

The tests also check which users see sums.
"""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.utils import timezone

from cvety_crm.users import User
from orders.models import Order, Status
from orders.selectors.dashboard import CHART_DAYS, chart_of_days, figures_of_today, metrics

TUESDAY = date(2026, 3, 10)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clear_cache() -> None:
    cache.clear()


def add(day: date, number: int = 1, *, status: str = "accepted", amount: int = 10_000, **fields) -> None:
    status_of = Status.objects.get(code=status)
    Order.objects.bulk_create(
        Order(order_number=str(n), status=status_of, delivery_date=day, total_amount=amount, **fields)
        for n in range(number)
    )


def user(*codenames: str) -> User:
    made = User.objects.create_user("anna", password="made-up", is_staff=True)
    made.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return made


def cards(made: User) -> dict[str, tuple[str, str]]:
    shown = figures_of_today(made, timezone.localdate())
    return {card["title"]: (card["value"].replace("\xa0", " "), card["words"].replace("\xa0", " ")) for card in shown}


def test_cancelled_orders_are_not_in_metrics() -> None:
    add(TUESDAY, 2, amount=5_000)
    add(TUESDAY, 1, status="completed", amount=11_000)
    for fields in ({"status": "declined"}, {"is_cancelled": True}, {"is_deleted_on_site": True}):
        add(TUESDAY, **fields)
    today = metrics(TUESDAY).today
    assert (today.orders, today.done, today.amount, today.average) == (3, 1, Decimal(21_000), Decimal(7_000))


def test_usual_is_average_of_same_weekdays_with_orders() -> None:
    add(TUESDAY - timedelta(weeks=1), 4, amount=10_000)
    add(TUESDAY - timedelta(weeks=8), 2, amount=40_000)
    add(TUESDAY - timedelta(weeks=9), 50)
    add(TUESDAY - timedelta(days=1), 50)
    usual = metrics(TUESDAY).usual
    assert (usual.orders, usual.amount, usual.average) == (Decimal(3), Decimal(60_000), Decimal(20_000))


def test_usual_is_none_with_one_day_of_orders() -> None:
    add(TUESDAY - timedelta(weeks=1), 4)
    assert metrics(TUESDAY).usual is None


def test_metrics_contain_last_thirty_days_only() -> None:
    add(TUESDAY - timedelta(days=29), 2)
    add(TUESDAY - timedelta(days=30), 5)
    add(TUESDAY + timedelta(days=1), 5)
    days = metrics(TUESDAY).days
    assert (len(days), days[0].orders, days[-1].day) == (CHART_DAYS, 2, TUESDAY)
    assert sum(day.orders for day in days) == 2


def test_metrics_make_one_query(django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        metrics(TUESDAY)
    for week in range(10):
        add(TUESDAY - timedelta(weeks=week), 30)
    with django_assert_num_queries(1):
        metrics(TUESDAY)


def test_cards_compare_today_with_average_weekday() -> None:
    today = timezone.localdate()
    for week in (1, 2):
        add(today - timedelta(weeks=week), 4, amount=10_000)
    add(today, 3, amount=10_050)
    add(today, 3, status="completed", amount=10_050)
    weekday = ["среднему понедельнику", "среднему вторнику", "средней среде", "среднему четвергу", "средней пятнице",
               "средней субботе", "среднему воскресенью"][today.weekday()]  # fmt: skip
    assert cards(user("view_order", "view_all_prices")) == {
        "Доставить сегодня": ("6", f"+50 % к {weekday}"),
        "Уже сделано": ("3", "50 % заказов дня"),
        "Сумма": ("60 300 ₸", f"+51 % к {weekday}"),
        "Средний чек": ("10 050 ₸", "как обычно в этот день недели"),
    }


def test_cards_without_orders_have_texts_instead_of_comparison() -> None:
    shown = cards(user("view_order", "view_all_prices"))
    assert shown["Доставить сегодня"] == ("0", "пока не с чем сравнить")
    assert shown["Уже сделано"] == ("0", "пока нечего доставлять")
    assert shown["Средний чек"][0] == "—"


def test_sums_of_other_days_are_hidden_without_permission() -> None:
    today = timezone.localdate()
    for week in (0, 1, 2):
        add(today - timedelta(weeks=week), 2, amount=12_345 if week else 10_000)
    made = user("view_order")
    sums = [card for card in figures_of_today(made, today) if card["title"] in ("Сумма", "Средний чек")]
    assert [(card["value"].replace("\xa0", " "), card["words"]) for card in sums] == [("20 000 ₸", ""),
                                                                                      ("10 000 ₸", "")]  # fmt: skip
    chart = chart_of_days(made, today)
    assert len(chart["chart"]["data"]["datasets"]) == 1
    assert not chart["sees_sums"]
