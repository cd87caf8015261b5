"""Tests of the list of customers: the columns about their orders, and who may see and sort by them."""

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orders.models import Customer, Order
from orders.services.customer_totals import renew_all_totals
from tests.roles import browser_of, everything_but

pytestmark = pytest.mark.django_db
LIST = reverse("admin:orders_customer_changelist")


@pytest.fixture
def customers():
    """Create three customers: one without orders, one with a single large order, one with two small orders."""
    made = [Customer.objects.create(name=name, phone="+77011234567") for name in ("Без заказов", "Крупный", "Частый")]
    for number, (customer, amount) in enumerate(((made[1], 1234567), (made[2], 5000), (made[2], 6000))):
        Order.objects.create(customer=customer, order_number=str(number), status_id="new", total_amount=Decimal(amount))
    renew_all_totals()
    return made


def names(page):
    """Return the names of the customers, sorted as on the page."""
    return re.findall(r"Без заказов|Крупный|Частый", re.sub(r"<(title|option)[^>]*>.*?</\1>", "", page))


def test_list_shows_and_sorts_by_orders_sum_and_last_order(client, manager, customers):
    client.force_login(manager)
    page = client.get(LIST).content.decode()
    assert "1\xa0234\xa0567\xa0₸" in page
    assert f"customer__id__exact={customers[2].pk}" in page
    assert "+7\xa0701\xa0123-45-67" in page
    columns = client.get(LIST).context_data["cl"].list_display
    for column, expected in (
        ("orders_column", ["Частый", "Крупный", "Без заказов"]),
        ("total_column", ["Крупный", "Частый", "Без заказов"]),
        ("last_order_column", ["Частый", "Крупный", "Без заказов"]),
    ):
        index = list(columns).index(column)
        assert names(client.get(LIST, {"o": f"-{index}"}).content.decode()) == expected
        assert names(client.get(LIST, {"o": index}).content.decode()) == expected[::-1]


def count_of_queries(client):
    """Return the number of queries of the list."""
    with CaptureQueriesContext(connection) as queries:
        client.get(LIST)
    return len(queries)


def test_number_of_queries_does_not_depend_on_the_number_of_customers(client, manager, customers):
    client.force_login(manager)
    count_of_queries(client)  # the first request fills the caches of the sidebar
    few = count_of_queries(client)
    for number in range(20):
        Customer.objects.create(name=f"Клиент {number}", orders_count=number, orders_total=number)
    assert count_of_queries(client) == few


def test_user_who_may_not_see_prices_or_orders_neither_sees_nor_sorts_by_them(customers):
    browser = browser_of(everything_but("view_all_prices"))
    assert "234\xa0567" not in browser.get(LIST).content.decode()
    columns = browser.get(LIST).context_data["cl"].list_display
    assert "total_column" not in columns
    assert "orders_column" in columns
    browser = browser_of(everything_but("view_order", "change_order"))
    assert not {"orders_column", "last_order_column"} & set(browser.get(LIST).context_data["cl"].list_display)
