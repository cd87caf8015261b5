"""Tests of SQL statements that are composed once."""

from datetime import date, timedelta

import pytest
from django.db import models
from django.utils import timezone

from cvety_crm.composed_statements import AnyOf, ModelStatement, Parameter, Statement
from cvety_crm.users import User
from orders.models import Customer, Order
from orders.selectors.presets import PRESETS, Moment, counts, preset_orders

pytestmark = pytest.mark.django_db
DAY = date(2026, 5, 10)


def test_statement_runs_with_other_values(db):
    for days in (0, 0, 1, 3):
        Order.objects.create(order_number=str(days), status_id="new", delivery_date=DAY + timedelta(days))
    day = Parameter("day", models.DateField())
    found = Order.objects.filter(delivery_date__gte=day + timedelta(1), delivery_date__lt=day + timedelta(3))
    statement = Statement.of(
        found.order_by().values(one=models.Value(1)).annotate(n=models.Count("pk")).values_list("n")
    )
    assert [statement.rows({"day": DAY + timedelta(days)}) for days in (-1, 0, 1, 2, 9)] == [
        [(3,)], [(1,)], [(1,)], [(1,)], [(0,)]
    ]  # fmt: skip
    assert statement.rows({"day": None}) == [(0,)]


def test_objects_are_those_of_the_query(django_assert_num_queries):
    customer = Customer.objects.create(name="Айгуль", phone="+77010000000")
    for number in range(3):
        Order.objects.create(
            order_number=str(number),
            status_id="new",
            customer=customer if number else None,
            metadata={"number": number},
        )
    query = Order.objects.select_related("customer", "customer_before_merge").order_by("order_number")
    statement = ModelStatement(query.filter(AnyOf("pk", "keys", models.UUIDField())))
    expected = list(query)
    for wanted in (expected, expected[1:2], []):
        with django_assert_num_queries(1):
            found = statement.objects({"keys": [order.pk for order in wanted]})
            assert [(order, order.metadata, order.customer) for order in found] == [
                (order, order.metadata, order.customer) for order in wanted
            ]
    for name in (field.attname for field in Order._meta.concrete_fields):
        assert [getattr(order, name) for order in statement.objects({"keys": [order.pk for order in expected]})] == [
            getattr(order, name) for order in expected
        ]


def test_statements_run_beside_each_other(db):
    for number in range(3):
        Order.objects.create(order_number=str(number), status_id="new", delivery_date=DAY + timedelta(number))
    day = Parameter("day", models.DateField())
    counted = Order.objects.order_by().values(one=models.Value(1)).annotate(n=models.Count("pk")).values_list("n")
    parts = [counted.filter(delivery_date__gt=day + timedelta(days)) for days in (-1, 0, 1)]
    both = Statement.beside([Statement.of(part) for part in parts])
    assert both.rows({"day": DAY}) == [(3, 2, 1)]
    assert both.rows({"day": DAY + timedelta(1)}) == [(2, 1, 0)]


def test_parameters_can_be_added_to_and_subtracted_from():
    day = Parameter("day", models.DateField()) - timedelta(2) + timedelta(1)
    assert day.value({"day": DAY, "other": 1}) == DAY - timedelta(1)


def test_counts_of_presets_are_those_of_their_lists(manager):
    other = User.objects.create_user("other", password="made-up")
    for number, person in enumerate((manager, other, None) * 4):
        Order.objects.create(
            order_number=str(number),
            status_id="new",
            delivery_date=timezone.localdate() + timedelta(number % 5 - 2),
            responsible=person,
            is_pickup=number % 2 == 0,
        )
    for person in (manager, other):
        at = Moment.of(person)
        found = {
            preset.key: preset_orders(preset, at, Order.objects.all()).count()
            for preset in PRESETS
            if preset.is_counted
        }
        assert counts(at) == found
        assert found["mine"]
