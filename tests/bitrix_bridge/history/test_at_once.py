"""Tests of the locks of an import while a different transaction works at the same time."""

import pytest
from django.db import transaction

from bitrix_bridge.history import importing
from bitrix_bridge.history.reading import Selection
from orders import services
from orders.models import Order, OrderItem, Product
from orders.sync.snapshot import OrderSnapshot, ProductSnapshot
from tests.bitrix_bridge.history.tables import Schema
from tests.bitrix_bridge.history.week import ORDERS
from tests.locks import waits_for_lock

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.parametrize("schema", [Schema.NEW])]


def test_batch_locks_its_orders_first_and_does_not_lock_products(source):
    """A webhook locks its order before the customer.

    An import that locked the customer first would cause a deadlock.
    """
    importing.work(importing.start(source, Selection(count=2)), source)
    order, other = Order.objects.order_by("bitrix_order_id")
    product = Product.objects.get(bitrix_product_id=696613)
    with transaction.atomic():
        absent = services.lock_absent_orders(
            [OrderSnapshot(bitrix_order_id=ORDERS[0].id), OrderSnapshot(bitrix_order_id=5)]
        )
        services.apply_product(snapshot=ProductSnapshot(bitrix_product_id=696613, fields={"price": 1}))
        assert absent == {5}
        assert waits_for_lock(lambda: Order.objects.select_for_update().get(pk=order.pk))
        assert not waits_for_lock(lambda: Order.objects.select_for_update().get(pk=other.pk))
        assert not waits_for_lock(
            lambda: OrderItem.objects.create(order=other, product=product, quantity=1, price=1, total=1)
        )
