"""Tests of the number, the sum and the latest of a customer's orders, which are stored with the customer."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.models import Customer, Order
from orders.services.customer_totals import renew_all_totals, renew_changed_totals

pytestmark = pytest.mark.django_db


def order(customer, number, amount, **changes):
    """Create an order of a customer without a service."""
    values = {"status_id": "new", **changes}
    return Order.objects.create(customer=customer, order_number=str(number), total_amount=Decimal(amount), **values)


def totals(customer):
    """Return the three columns."""
    customer.refresh_from_db()
    return customer.orders_count, customer.orders_total, customer.last_order_at


def test_cancelled_orders_and_sums_that_cannot_be_added_are_left_out():
    customer = Customer.objects.create(name="Айгерим")
    order(customer, 1, 5000)
    order(customer, 2, 7000, is_cancelled=True)
    order(customer, 3, 9000, status_id="cancelled")
    order(customer, 4, 100, currency="USD")
    last = order(customer, 5, 1500)
    assert renew_changed_totals() == 1
    assert totals(customer) == (3, Decimal(6500), last.created_at)
    assert renew_changed_totals() == 0  # nothing has changed, so nothing is written


def test_only_customers_of_changed_orders_are_renewed_each_minute_and_all_each_day():
    customers = [Customer.objects.create(name=name) for name in ("Айгерим", "Данияр")]
    for number, customer in enumerate(customers):
        order(customer, number, 5000)
    Order.objects.filter(customer=customers[1]).update(updated_at=timezone.now() - timedelta(hours=1))
    assert renew_changed_totals() == 1
    assert [totals(one)[0] for one in customers] == [1, 0]
    assert renew_all_totals() == 1
    assert [totals(one)[0] for one in customers] == [1, 1]


def test_order_that_gets_another_customer_leaves_the_first_one_at_night():
    first, second = Customer.objects.create(name="Айгерим"), Customer.objects.create(name="Данияр")
    moved = order(first, 1, 5000)
    renew_all_totals()
    moved.customer = second
    moved.save()
    renew_all_totals()
    assert totals(first) == (0, Decimal(0), None)
    assert totals(second) == (1, Decimal(5000), moved.created_at)
