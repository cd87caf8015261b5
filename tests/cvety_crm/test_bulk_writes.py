"""Tests of writes that are collected and sent as one statement."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cvety_crm.bulk_writes import Writes
from orders.models import Customer, Order, OrderItem, Status

pytestmark = pytest.mark.django_db


def new_order(number, **values):
    return Order(order_number=number, status=Status.objects.get(code="new"), **values)


def new_item(order, **values):
    values = {"quantity": Decimal("1.5"), "price": Decimal("7500.1234"), "total": Decimal(11250)} | values
    return OrderItem(order=order, **values)


def flush(writes):
    with CaptureQueriesContext(connection) as captured:
        writes.flush()
    return [query["sql"] for query in captured]


@pytest.fixture
def order(db):
    order = new_order("1")
    order.save()
    return order


class TestInserts:
    def test_rows_of_several_tables_are_inserted_by_one_statement(self):
        customer = Customer(name="Айгерим «Роза» 🌷", phone="+77011234567")
        orders = [new_order(str(number), customer=customer) for number in range(50)]
        writes = Writes()
        writes.insert(customer, *orders, *map(new_item, orders))
        assert len(flush(writes)) == 1
        assert (Order.objects.filter(customer=customer).count(), OrderItem.objects.count()) == (50, 50)

    def test_inserted_row_equals_a_saved_one(self):
        moment = timezone.now() - timedelta(days=3)
        values = {
            "delivery_address": 'г. Алматы, Бостандыкский район, ул. Абая 150\\n"кв" 5',
            "total_amount": Decimal("9000.50"),
            "metadata": {"a": [1, 2.5, None, True, "Құттықтаймын"]},
            "unknown_values": {},
            "bitrix_order_id": 5,
            "created_at": moment,
            "delivery_date": moment.date(),
        }
        saved, inserted = new_order("1", **values), new_order("1", **values | {"bitrix_order_id": 6})
        saved.save()
        writes = Writes()
        writes.insert(inserted)
        writes.flush()
        stored: list[dict[str, Any]] = [dict(Order.objects.values().get(pk=row.pk)) for row in (saved, inserted)]
        one, other = stored
        different = {name for name in one if one[name] != other[name]}
        assert different == {"id", "bitrix_order_id", "updated_at"}
        assert one["delivery_district"] == other["delivery_district"] != ""
        assert timezone.now() - other["updated_at"] < timedelta(seconds=10)

    def test_database_chooses_values_that_the_row_lacks(self):
        writes = Writes()
        writes.insert(customer := Customer(name="Айгерим"))
        writes.flush()
        stored = Customer.objects.get(pk=customer.pk)
        assert timezone.now() - stored.created_at < timedelta(seconds=10)

    def test_row_can_be_saved_and_updated_after_the_flush(self, order):
        writes = Writes()
        writes.insert(item := new_item(order))
        writes.flush()
        item.quantity = Decimal(3)
        item.save()
        writes.update(item, ["quantity"])
        assert len(flush(writes)) == 1
        assert OrderItem.objects.get().quantity == 3

    def test_unique_value_is_checked(self, order):
        writes = Writes()
        writes.insert(*(Customer(bitrix_user_id=7) for _ in range(2)))
        with pytest.raises(IntegrityError), transaction.atomic():
            writes.flush()

    def test_missing_row_of_a_foreign_key_is_noticed(self):
        writes = Writes()
        writes.insert(OrderItem(order_id=uuid.uuid4()))

        def flush_and_check():
            writes.flush()
            connection.check_constraints()

        with pytest.raises(IntegrityError), transaction.atomic():
            flush_and_check()


class TestUpdates:
    def test_only_named_fields_and_those_that_follow_are_saved(self, order):
        writes = Writes()
        order.delivery_address, order.comment = "мкр. Самал-2, дом 5", "не сохранять"
        writes.update(order, ["delivery_address", "updated_at"])
        before = Order.objects.get().updated_at
        (sql,) = flush(writes)
        stored = Order.objects.get()
        assert (stored.delivery_address, stored.comment) == ("мкр. Самал-2, дом 5", "")
        assert stored.delivery_district == order.delivery_district != ""
        assert stored.updated_at > before
        assert '"comment"' not in sql.partition("FROM")[0]

    def test_fields_of_several_calls_are_saved_together(self, order):
        writes = Writes()
        writes.update(order, ["comment"])
        order.comment, order.paid_amount = "x", Decimal("12.30")
        writes.update(order, ["paid_amount", "customer"])
        assert len(flush(writes)) == 1
        stored = Order.objects.get()
        assert (stored.comment, stored.paid_amount) == ("x", Decimal("12.30"))

    def test_update_of_a_new_row_is_part_of_its_insert(self, order):
        writes = Writes()
        writes.insert(item := new_item(order))
        item.quantity = Decimal(9)
        writes.update(item, ["quantity"])
        assert len(flush(writes)) == 1
        assert OrderItem.objects.get().quantity == 9


class TestDeletes:
    def test_deleted_row_gives_its_unique_value_to_a_new_one(self, order):
        old, kept = new_item(order, bitrix_basket_id=1), new_item(order, bitrix_basket_id=2)
        OrderItem.objects.bulk_create([old, kept])
        writes = Writes()
        writes.insert(new_item(order, bitrix_basket_id=2))
        kept.bitrix_basket_id = 1
        writes.update(kept, ["bitrix_basket_id"])
        writes.delete(OrderItem, [old.pk])
        assert len(flush(writes)) == 3
        assert sorted(OrderItem.objects.values_list("bitrix_basket_id", flat=True)) == [1, 2]

    def test_row_that_was_not_stored_yet_is_forgotten(self, order):
        writes = Writes()
        writes.insert(item := new_item(order))
        writes.delete(OrderItem, [item.pk])
        assert flush(writes) == []

    def test_nothing_to_write_takes_no_statement(self):
        assert flush(Writes()) == []


@pytest.mark.parametrize("keeps_times", [True, False])
def test_new_row_keeps_its_time_of_the_last_change_only_with_keeps_times(keeps_times):
    at = timezone.now() - timedelta(days=400)
    writes = Writes(keeps_times=keeps_times)
    writes.insert(Customer(name="Айгерим", updated_at=at), Customer(name="Марат"))
    writes.flush()
    stored = dict(Customer.objects.values_list("name", "updated_at"))
    assert (stored["Айгерим"] == at) is keeps_times
    assert stored["Марат"] > timezone.now() - timedelta(minutes=5)
