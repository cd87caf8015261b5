"""Tests of the composition of an order for florists and couriers."""

from decimal import Decimal

import pytest

from orders import services
from orders.models import Order
from orders.paper.courier_texts import full_text
from orders.services import NewItem


@pytest.mark.django_db
def test_composition_adds_up_lines_split_by_discount(client, manager):
    order = services.create_order(
        items=[NewItem(name="Букет", price=Decimal(5000), quantity=Decimal(3))],
        fields={"discount_amount": Decimal(1000)},
        actor=manager,
    )
    assert order.items.count() == 2
    assert "🌷 Букет × 3" in full_text(Order.objects.get())
    client.force_login(manager)
    page = client.get("/crm/orders/order/?preset=all").content.decode()
    assert "Букет × 3" in page
    assert "crm-plus" not in page
