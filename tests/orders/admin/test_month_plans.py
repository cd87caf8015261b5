"""Tests of the page of the plans of months."""

from datetime import date

import pytest

from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER, OWNER
from orders.models import MonthPlan, Shop
from tests.roles import browser_of, person

pytestmark = pytest.mark.django_db
PAGE = "/crm/orders/monthplan/"


@pytest.fixture
def owner():
    return browser_of(person(OWNER))


@pytest.mark.parametrize("typed", ["2026-12", "12.2026", "2026-12-17", "17.12.2026"])
def test_owner_adds_a_plan_and_any_day_stands_for_its_month(owner, typed):
    owner.post(f"{PAGE}add/", {"month": typed, "amount": "5000000", "orders": "400"})
    plan = MonthPlan.objects.get()
    assert (plan.month, plan.shop, plan.amount, plan.orders) == (date(2026, 12, 1), None, 5_000_000, 400)
    page = owner.get(PAGE).content.decode()
    assert "Декабрь 2026" in page
    assert "5\xa0000\xa0000\xa0₸" in page
    assert "все заказы" in page
    assert 'value="2026-12"' in owner.get(f"{PAGE}{plan.pk}/change/").content.decode()


def test_month_has_one_plan_of_all_orders_and_one_of_each_shop(owner):
    shop = Shop.objects.create(bitrix_id=77, name="Центр")
    for key in ("", shop.bitrix_id):
        form = {"month": "2026-12", "amount": "100", "shop": key}
        assert owner.post(f"{PAGE}add/", form).status_code == 302
        again = owner.post(f"{PAGE}add/", form)
        assert again.status_code == 200
        assert "уже" in again.content.decode()
    assert owner.post(f"{PAGE}add/", {"month": "2027-01", "amount": "100"}).status_code == 302
    assert MonthPlan.objects.count() == 3


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"month": "декабрь"}, "Введите месяц, например 2026-12."),
        ({"month": "0001-01"}, "Введите месяц, например 2026-12."),
        ({"month": ""}, "Обязательное поле"),
        ({"amount": "0"}, "больше либо равно 1"),
        ({"amount": "-5"}, "больше либо равно 1"),
        ({"orders": "0"}, "больше либо равно 1"),
    ],
)
def test_mistake_is_refused_with_a_reason(owner, wrong, text):
    answer = owner.post(f"{PAGE}add/", {"month": "2026-12", "amount": "100", "orders": "5", **wrong})
    assert answer.status_code == 200
    assert text in answer.content.decode()
    assert not MonthPlan.objects.exists()


@pytest.mark.parametrize("role", [MANAGER, FLORIST, DISPATCHER, ACCOUNTANT])
def test_others_neither_see_nor_change_plans(role):
    plan = MonthPlan.objects.create(month=date(2026, 12, 1), amount=5)
    client = browser_of(person(role))
    assert client.get(PAGE).status_code == 403
    for url in (f"{PAGE}add/", f"{PAGE}{plan.pk}/change/", f"{PAGE}{plan.pk}/delete/"):
        assert client.post(url, {"month": "2026-11", "amount": "6", "post": "yes"}).status_code == 403
    assert MonthPlan.objects.get().amount == 5
    assert PAGE not in client.get("/crm/").content.decode()


def test_plans_are_in_the_sidebar_beside_peak_days_and_reports(owner):
    page = owner.get("/crm/").content.decode()
    assert page.index("/crm/reports/sales/") < page.index(PAGE) < page.index("/crm/orders/peakday/")
