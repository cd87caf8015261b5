"""Tests of the rule that decides whether an order is paid and what is due."""

from decimal import Decimal
from itertools import product

import pytest
from django.db.models import Sum

from orders.models import Order, PaymentMethod, Status
from orders.rules.payment import (
    Dues,
    PaymentState,
    Standing,
    due_is_counted,
    dues_of,
    is_due,
    payment_of,
    sum_is_counted,
)

ZERO = Decimal(0)


def order(**values):
    numbers = {name: Decimal(values.pop(name, 0)) for name in ("total_amount", "paid_amount")}
    return Order(**numbers, **values)


@pytest.mark.parametrize(
    ("values", "standing", "due"),
    [
        ({"total_amount": 9000}, Standing.NOT_PAID, 9000),
        ({"total_amount": 9000, "paid_amount": 4000}, Standing.PARTLY_PAID, 5000),
        ({"total_amount": 9000, "paid_amount": 9000}, Standing.PAID, 0),
        ({"total_amount": 9000, "paid_amount": 9500}, Standing.PAID, 0),
        ({"total_amount": 9000, "payment_status": "paid"}, Standing.PAID, 0),
        ({"total_amount": 9000, "payment_status": "refunded"}, Standing.REFUNDED, 0),
        ({"total_amount": 0}, Standing.NOTHING_TO_PAY, 0),
        ({"unknown_values": {"total_amount": ""}}, Standing.NOT_PAID, None),
        ({"unknown_values": {"total_amount": "дорого"}, "payment_status": "paid"}, Standing.PAID, 0),
        ({"unknown_values": {"total_amount": ""}, "payment_status": "refunded"}, Standing.REFUNDED, 0),
        ({"total_amount": 9000, "unknown_values": {"currency": "тугрик"}}, Standing.NOT_PAID, None),
        ({"total_amount": 9000, "unknown_values": {"paid_amount": "часть"}}, Standing.NOT_PAID, None),
        ({"total_amount": 9000, "unknown_values": {"payment_status": ""}}, Standing.UNKNOWN, None),
        ({"total_amount": 0, "unknown_values": {"payment_status": ""}}, Standing.UNKNOWN, None),
        (
            {"total_amount": 9000, "paid_amount": 9000, "unknown_values": {"payment_status": "?"}},
            Standing.PAID,
            0,
        ),
        ({"unknown_values": {"payment_status": "", "total_amount": ""}}, Standing.UNKNOWN, None),
        ({"total_amount": 9000, "unknown_values": {"delivery_fee": ""}}, Standing.NOT_PAID, 9000),
    ],
)
def test_payment_is_decided_by_status_and_known_sums(values, standing, due):
    payment = payment_of(order(**values))
    assert (payment.standing, payment.due) == (standing, due)


@pytest.mark.parametrize(
    ("values", "method"),
    [
        ({}, None),
        ({"payment_method": "cash"}, PaymentMethod.CASH),
        ({"payment_method": "barter"}, None),
        ({"payment_method": "cash", "unknown_values": {"payment_method": "№ 12"}}, None),
    ],
)
def test_method_is_never_cash_unless_it_is_known(values, method):
    assert payment_of(order(total_amount=1, **values)).method == method


@pytest.mark.parametrize("standing", list(Standing))
def test_order_is_either_due_or_not(standing):
    payment = PaymentState(standing, ZERO, "KZT", None)
    assert payment.is_due == (standing in (Standing.NOT_PAID, Standing.PARTLY_PAID, Standing.UNKNOWN))
    assert payment.is_settled == (standing in (Standing.PAID, Standing.NOTHING_TO_PAY))


def test_dues_are_added_up_by_currency():
    orders = [
        order(total_amount=9000, paid_amount=1000),
        order(total_amount=500),
        order(total_amount=50, currency="USD"),
        order(unknown_values={"total_amount": ""}),
        order(total_amount=7, payment_status="paid"),
    ]
    assert dues_of(orders) == Dues({"KZT": Decimal(8500), "USD": Decimal(50)}, 1)
    assert not dues_of(orders[-1:])


@pytest.mark.django_db
def test_queries_have_the_same_rule_as_objects():
    """Every combination of status, sums, currency and unknown values."""
    statuses = ("pending", "paid", "refunded")
    sums = ((0, 0), (9000, 0), (9000, 4000), (9000, 9000), (0, 5))
    unknown = ({}, *({name: ""} for name in ("total_amount", "paid_amount", "currency", "payment_status", "status")))
    both = {"payment_status": "", "paid_amount": ""}
    made = Order.objects.bulk_create(
        order(
            order_number=str(number),
            status=Status.objects.get(code="new"),
            payment_status=status,
            total_amount=total,
            paid_amount=paid,
            currency=currency,
            unknown_values=names,
        )
        for number, (status, (total, paid), currency, names) in enumerate(
            product(statuses, sums, ("KZT", "USD"), (*unknown, both))
        )
    )
    payments = {one.pk: payment_of(one) for one in made}
    due = {pk for pk, payment in payments.items() if payment.is_due}
    counted = {pk for pk in due if payments[pk].due is not None and payments[pk].currency == "KZT"}
    assert set(Order.objects.filter(is_due()).values_list("pk", flat=True)) == due
    assert set(Order.objects.filter(is_due() & due_is_counted()).values_list("pk", flat=True)) == counted
    expected = sum(
        one.total_amount
        for one in made
        if one.currency == "KZT" and not one.unknown_values.keys() & {"total_amount", "currency"}
    )
    assert Order.objects.aggregate(sum=Sum("total_amount", filter=sum_is_counted()))["sum"] == expected
