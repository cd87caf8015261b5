"""Tests of the check that only services write the tables of `orders`.

The check finds every form of a write, and it reports no other code.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from django.apps import apps

from cvety_crm.dev.write_check import rules
from cvety_crm.dev.write_check.checker import find_writes
from cvety_crm.dev.write_check.project import read_project

ROOT = Path(__file__).resolve().parents[3]
HEAD = """
    from django.contrib import admin
    from django.db import connection
    from orders import models, services
    from orders.models import City, Customer, Order, OrderEvent, OrderItem
"""


@pytest.fixture
def project(tmp_path):
    """Create a project with the models and a service.

    Return a function that adds a module to the project and returns the findings of the check.
    """
    shutil.copytree(ROOT / "orders" / "models", tmp_path / "orders" / "models")
    services = tmp_path / "orders" / "services"
    services.mkdir()
    services.joinpath("__init__.py").write_text(
        dedent("""
            from orders.services.locking import lock_order
        """)
    )
    services.joinpath("locking.py").write_text(
        dedent("""
            from orders.models import Order
            def lock_order(key) -> Order:
                order = Order.objects.get(pk=key)
                order.save()
                return order
        """)
    )

    def write(source, path="bitrix_bridge/planted.py", head=HEAD):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(head) + dedent(source))
        return find_writes(tmp_path)

    return write


VIOLATIONS = {
    "create": "Order.objects.create()",
    "default manager": "Order._default_manager.create()",
    "module of models": "models.Order.objects.create()",
    "filtered update": "Order.objects.filter(pk=1).exclude(pk=2).update(problem='')",
    "async update": "async def f(): await Order.objects.aupdate(problem='')",
    "bulk_create": "OrderItem.objects.bulk_create([])",
    "bulk_update": "OrderEvent.objects.bulk_update([], ['kind'])",
    "get_or_create": "Customer.objects.get_or_create(phone='')",
    "update_or_create": "City.objects.using('default').update_or_create(bitrix_id=1)",
    "delete": "Order.objects.all().delete()",
    "queryset in a variable": "def f():\n    rows = Order.objects.filter()\n    rows = rows.all()\n    rows.delete()",
    "queryset of a branch": "def f(a, rows=None):\n    if a:\n        rows = Order.objects.all()\n    rows.delete()",
    "saved instance": "def f():\n    order = Order()\n    order.save()",
    "saved at once": "Order(problem='').save()",
    "got instance": "Order.objects.get(pk=1).save(update_fields=[])",
    "first": "def f():\n    order = Order.objects.first()\n    if order is not None:\n        order.save()",
    "walrus": "def f():\n    if (order := Order.objects.first()):\n        order.delete()",
    "index": "Order.objects.order_by('pk')[0].delete()",
    "loop": "def f():\n    for order in Order.objects.all()[:5]:\n        order.save()",
    "enumerated": "def f():\n    for place, order in enumerate(list(Order.objects.all())):\n        order.save()",
    "comprehension": "def f(): return [order.save() for order in Order.objects.all()]",
    "in bulk": "def f():\n    found = Order.objects.in_bulk([1])\n    found[1].save()",
    "late in a loop": "def f(order=None):\n    while 1:\n        order and order.save()\n        order = Order()",
    "tuple": "def f():\n    one, is_new = g()\n    one.save()\ndef g() -> tuple[Customer, bool]: ...",
    "parameter": "def f(order: Order): order.save()",
    "optional parameter": "def f(order: 'Order | None'): order.save()",
    "parameter of many": "def f(orders: list[Order]):\n    for order in orders:\n        order.asave()",
    "queryset parameter": "def f(rows: 'QuerySet[Order]'): rows.update(problem='')",
    "class parameter": "def f(kind: type[Order]): kind.objects.create()",
    "annotated variable": "def f(x):\n    order: Order = x\n    order.save()",
    "self": "class A:\n    def __init__(self, order: Order): self.order = order\n    def f(self): self.order.save()",
    "self later": "class A:\n    def f(self): self.rows.delete()\n    def g(self): self.rows = Order.objects.all()",
    "class attribute": "class A:\n    rows = Order.objects.all()\n    def f(self): self.rows.delete()",
    "own method": "class A:\n    def g(self) -> Order: ...\n    def f(self): self.g().save()",
    "own function": "def g() -> Order | None: ...\ndef f(): g().save()",
    "of a service": "def f():\n    order = services.lock_order(1)\n    order.save()",
    "related manager": "def f(order: Order): order.items.update(price=0)",
    "related set": "def f(order: Order): order.items.set([])",
    "related of anything": "def f(x): x.items.create(price=0)",
    "related and filtered": "def f(x): x.events.filter(pk=1).delete()",
    "one to one": "def f(x): x.photo_approval.save()",
    "foreign key": "def f(push): push.order.save()",
    "file": "def f(order: Order): order.photos.first().image.delete()",
    "method passed as argument": "def f(job): job(Order.objects.create, problem='')",
    "unbound method": "def f(orders): list(map(Order.save, orders))",
    "getattr": "def f(order: Order): getattr(order, 'save')()",
    "alias": "Model = Order\nModel.objects.create()",
    "get_model": "from django.apps import apps\napps.get_model('orders', 'Order').objects.create()",
    "get_model in one text": "from django.apps import apps\napps.get_model('orders.Order').objects.create()",
    "cast": "from typing import cast\ndef f(x): cast(Order, x).save()",
    "get_object_or_404": "from django.shortcuts import get_object_or_404\nget_object_or_404(Order, pk=1).save()",
    "form": "class F(ModelForm):\n    class Meta:\n        model = Order\ndef f(): F({}).save()",
    "form parameter": "class F(ModelForm):\n    class Meta:\n        model = Order\ndef f(x: F): x.instance.save()",
    "formset": "class S: ...\nclass I:\n    model = OrderItem\n    formset = S\ndef f(s: S): s.save()",
    "factory": "from django.forms import modelformset_factory\nmodelformset_factory(Order)({}).save()",
    "insert": "SQL = 'INSERT INTO orders (problem) VALUES (1)'",
    "update": "connection.cursor().execute('UPDATE \"orders\" AS o SET problem = 1')",
    "update over lines": 'SQL = """\n    update order_items\n    set price = 0\n"""',
    "delete in SQL": "def f(key): return f'DELETE FROM order_events WHERE id = {key}'",
    "truncate": "SQL = 'TRUNCATE TABLE orders'",
    "copy": "SQL = 'COPY orders (id) FROM STDIN'",
    "admin": "@admin.register(Order)\nclass A:\n    def f(self): super().save_model()",
    "admin registered by call": "class A:\n    def f(self): super().delete_queryset()\nsite.register(Customer, A)",
}

ALLOWED = {
    "reads": "def f():\n    rows = Order.objects.filter(pk=1)\n    return rows.first().items.count(), rows.exists()",
    "dictionary": "def f(order: Order):\n    found = {'a': 1}\n    found.update(b=order)\n    return found",
    "set of keys": "def f():\n    keys = set(Order.objects.values_list('pk'))\n    keys.update([1])\n    keys.add(1)",
    "items of a dictionary": "def f(x): return dict(x.items())",
    "list of another class": "def f(basket): basket.items.remove(1); basket.items.clear()",
    "another model": "from bitrix_bridge.models import Push\ndef f(order: Order): Push.objects.create(order=order)",
    "name used again": "def f(x):\n    order = Order()\n    order = x\n    order.save()",
    "shadowed": "def f(Order): Order.objects.create()",
    "service": "def f(order: Order): services.edit_order(order)",
    "locked": "SQL = 'SELECT 1 FROM orders FOR UPDATE OF orders'",
    "other table": "SQL = 'INSERT INTO orders_archive SELECT 1 FROM orders'",
    "docstring": 'def f():\n    """Never UPDATE orders SET anything."""',
    "catalogue's page": "@admin.register(City)\nclass A:\n    def save_model(self, *a): super().save_model(*a)",
    "page of another app": "class A:\n    def save_model(self, *a): super().save_model(*a)",
}


@pytest.mark.parametrize("source", VIOLATIONS.values(), ids=VIOLATIONS.keys())
def test_each_form_of_a_write_is_found_with_its_place(project, source):
    lines = len(dedent(HEAD).splitlines())
    assert {(finding.path, finding.line > lines) for finding in project(source)} == {("bitrix_bridge/planted.py", True)}


@pytest.mark.parametrize("source", ALLOWED.values(), ids=ALLOWED.keys())
def test_other_code_is_not_reported(project, source):
    assert project(source) == []


@pytest.mark.parametrize("path", ["orders/services/inbound/planted.py", "orders/migrations/0001_planted.py"])
def test_services_and_migrations_may_write(project, path):
    assert project("Order.objects.create()", path) == []


@pytest.mark.parametrize(
    "path", ["orders/selectors/planted.py", "notifications/planted.py", "cvety_crm/ops/planted.py"]
)
def test_writes_in_every_package_are_found(project, path):
    assert [finding.path for finding in project("Order.objects.create()", path)] == [path]


def test_default_saving_in_an_admin_mixin_of_orders_is_found(project):
    source = "class Mixin:\n    def save_related(self, *a): super().save_related(*a)"
    assert [finding.line for finding in project(source, "orders/admin/mixin.py", head="")] == [2]


def test_finding_names_model_method_and_place(project):
    (finding,) = project("Order.objects.create()", head="from orders.models import Order\n")
    assert str(finding) == "bitrix_bridge/planted.py:2: Order: `create` outside orders/services"


def test_tables_read_from_the_source_equal_those_of_the_models():
    tables = {model.__name__: model._meta.db_table for model in apps.get_app_config("orders").get_models()}
    assert read_project(ROOT).models.tables == tables
    assert set(tables) >= rules.EDITED_IN_ADMIN


def test_project_has_no_writes_outside_the_services():
    done = subprocess.run(
        [sys.executable, "-m", "cvety_crm.dev.write_check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_command_exits_with_1_for_a_write(project, tmp_path):
    project("Order.objects.create()")
    done = subprocess.run(
        [sys.executable, "-m", "cvety_crm.dev.write_check"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "bitrix_bridge/planted.py" in done.stdout
