"""Tests of the earlier orders of a customer: their count, their total, and the number of queries."""

import re
from decimal import Decimal

import pytest
from django.urls import reverse

from orders.models import Customer, Order, Source
from orders.selectors import customer_orders
from orders.selectors.customer_orders import customer_orders_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer():
    return Customer.objects.create(name="Айгерим")


def orders_of(customer, count, **fields):
    return Order.objects.bulk_create(
        Order(order_number=str(n), customer=customer, source=Source.SITE, total_amount=Decimal(1000),
              **{"status_id": "completed", **fields})
        for n in range(count)
    )  # fmt: skip


def test_count_and_total_exclude_cancelled_orders(customer):
    order = orders_of(customer, 1)[0]
    assert (customer_orders_of(order).count, customer_orders_of(order).is_regular) == (1, False)
    orders_of(customer, 6)
    orders_of(customer, 1, status_id="cancelled")
    orders_of(customer, 1, is_cancelled=True)
    orders_of(Customer.objects.create(name="Другая"), 3)
    orders = customer_orders_of(order)
    assert (orders.count, orders.total, orders.is_regular) == (7, Decimal(7000), True)
    assert len(orders.latest) == 5
    assert order not in orders.latest


def test_customer_with_too_many_orders_has_no_total(customer, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(customer_orders, "MOST_COUNTED", 10)
    order = orders_of(customer, 30)[0]
    with django_assert_num_queries(2) as queries:
        orders = customer_orders_of(order)
        assert [row.status.name for row in orders.latest]
    assert (orders.total, orders.has_more) == (None, True)
    assert any("LIMIT 11" in query["sql"] for query in queries.captured_queries)


def test_order_page_shows_orders_of_customer(customer, manager, client):
    order = orders_of(customer, 3)[0]
    client.force_login(manager)
    html = client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    assert "3 заказа на 3\xa0000\xa0₸" in re.sub(r"\s*\n\s*", " ", html)
    assert "постоянный клиент" in html


def test_order_without_customer_has_no_customer_orders():
    assert customer_orders_of(orders_of(None, 1)[0]) is None


def test_orders_of_one_second_are_sorted_by_their_ids_on_the_site(customer):
    order, *others = orders_of(customer, 6)
    at = order.created_at
    for place, other in enumerate(others, start=1):
        Order.objects.filter(pk=other.pk).update(created_at=at, bitrix_order_id=place)
    Order.objects.filter(pk=others[1].pk).update(bitrix_order_id=None)
    shown = [row.pk for row in customer_orders_of(order).latest]
    assert shown == [others[place].pk for place in (1, 4, 3, 2, 0)]
