"""Tests of the write guard, which fails a test if production code outside the services writes a table of `orders`."""

import inspect

import pytest
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.db import connection
from django.urls import reverse
from psycopg.sql import SQL, Identifier

from cvety_crm.dev.write_check.rules import EDITED_IN_ADMIN
from orders import services
from orders.models import City, Courier, Customer, Order, OrderNote
from tests.write_guard import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    return Order.objects.create(order_number="1", status_id="new")


def run_as(path, source, **names):
    """Run the source as if it were the code of this file of the project."""
    exec(compile(source, f"{ROOT}/{path}", "exec"), names)


WRITES = {
    "save": "order.save()",
    "partial save": "order.save(update_fields=['problem'])",
    "update": "Order.objects.filter(pk=order.pk).update(problem='')",
    "create": "OrderNote.objects.create(order=order, text='a')",
    "bulk_create": "OrderNote.objects.bulk_create([OrderNote(order=order, text='a')])",
    "bulk_update": "Order.objects.bulk_update([order], ['problem'])",
    "get_or_create": "Customer.objects.get_or_create(phone='1')",
    "delete": "Order.objects.filter(pk=order.pk).delete()",
    "related": "order.notes.create(text='a')",
    "composed": "connection.cursor().execute(SQL('UPDATE {} SET problem = %s').format(Identifier('orders')), [''])",
    "passed to a function": "(lambda rows: rows.update(problem=''))(Order.objects.all())",
    "raw": "connection.cursor().execute('UPDATE orders SET problem = %s', ['']) ",
    "with": "connection.cursor().execute('WITH a AS (SELECT 1) UPDATE orders AS o SET problem = %s', [''])",
}


NAMES = {
    "Order": Order,
    "OrderNote": OrderNote,
    "Customer": Customer,
    "connection": connection,
    "SQL": SQL,
    "Identifier": Identifier,
}


@pytest.mark.parametrize("path", ["bitrix_bridge/refetch.py", "orders/admin/work.py", "orders/selectors/board.py"])
@pytest.mark.parametrize("source", WRITES.values(), ids=WRITES.keys())
def test_write_outside_services_is_noted_with_its_place(order, forbidden_writes, source, path):
    run_as(path, source, order=order, **NAMES)
    assert forbidden_writes
    assert all(text.startswith(f"{path}:1 writes ") for text in forbidden_writes)
    forbidden_writes.clear()


@pytest.mark.parametrize("path", ["orders/services/notes.py", "orders/migrations/0001_initial.py", "tests/samples.py"])
@pytest.mark.parametrize("source", WRITES.values(), ids=WRITES.keys())
def test_services_migrations_and_tests_may_write(order, forbidden_writes, source, path):
    run_as(path, source, order=order, **NAMES)
    assert forbidden_writes == []


def test_call_of_service_from_admin_is_no_violation(order, manager, forbidden_writes):
    run_as("orders/admin/work.py", "add(order_id=order.pk, text='a', actor=None)", add=services.add_note, order=order)
    assert OrderNote.objects.count() == 1
    assert forbidden_writes == []


def test_reads_and_locks_outside_services_are_no_violations(order, forbidden_writes):
    run_as("orders/admin/work.py", "list(Order.objects.select_for_update(of=('self',)))", Order=Order)
    assert forbidden_writes == []


def test_writes_to_rows_of_another_app_are_not_noted(manager, forbidden_writes):
    run_as("orders/admin/work.py", "manager.save()", manager=manager)
    assert forbidden_writes == []


def test_admin_page_may_save_a_courier(client, manager, forbidden_writes):
    client.force_login(manager)
    data = {"name": "Эрлан", "phone": "", "telegram": "", "is_active": "on"}
    assert client.post(reverse("admin:orders_courier_add"), data).status_code == 302
    assert Courier.objects.count() == 1
    assert forbidden_writes == []


def test_default_save_model_of_an_order_is_a_violation(order, forbidden_writes):
    page = ModelAdmin(Order, admin.site)
    run_as("orders/admin/work.py", "page.save_model(None, order, None, True)", page=page, order=order)
    assert len(forbidden_writes) == 1
    forbidden_writes.clear()


def test_default_save_model_of_a_city_is_no_violation(forbidden_writes):
    page = ModelAdmin(City, admin.site)
    city = City(bitrix_id=999, name="Талгар")
    run_as("orders/admin/work.py", "page.save_model(None, city, None, False)", page=page, city=city)
    assert City.objects.filter(bitrix_id=999).exists()
    assert forbidden_writes == []


def test_guard_fails_a_test_that_has_a_violation():
    from tests import write_guard

    fixture = inspect.unwrap(write_guard.forbidden_writes)()
    next(fixture).append("somewhere writes orders")
    with pytest.raises(pytest.fail.Exception, match="somewhere writes orders"):
        next(fixture)


def test_every_admin_page_of_orders_overrides_default_saving_or_edits_a_catalogue(rf, manager):
    request = rf.get("/")
    request.user = manager
    for model, page in admin.site._registry.items():
        if model._meta.app_label != "orders" or model.__name__ in EDITED_IN_ADMIN:
            continue
        may_save = page.has_add_permission(request) or page.has_change_permission(request)
        assert not may_save or type(page).save_model is not ModelAdmin.save_model, model
        may_delete = page.has_delete_permission(request)
        assert not may_delete or type(page).delete_model is not ModelAdmin.delete_model, model
        assert not may_delete or type(page).delete_queryset is not ModelAdmin.delete_queryset, model
        for inline in page.get_inline_instances(request):
            rights = (inline.has_add_permission, inline.has_change_permission, inline.has_delete_permission)
            writes = any(may(request, None) for may in rights)
            assert not writes or type(page).save_related is not ModelAdmin.save_related, inline
