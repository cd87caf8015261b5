"""Fixtures of orders to print."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from orders.models import City, DeliverySlot, Order, OrderItem, Status
from orders.paper.orders_to_print import orders_to_print

numbers = count(122225)


@pytest.fixture
def make(db):
    """Return a function that creates an order, reads it with `orders_to_print`, and returns it."""

    def make(*items: str, status: str = "accepted", properties: Sequence[Any] = (), **values: Any) -> Order:
        defaults = {
            "order_number": str(next(numbers)),
            "recipient_name": "Мария",
            "recipient_phone": "+77011234567",
            "delivery_address": "ул. Абая 150, подъезд 2, кв 25",
            "delivery_date": date(2025, 8, 25),
            "delivery_slot": DeliverySlot.objects.get(bitrix_id="18"),
            "city": City.objects.get(bitrix_id=2),
            "total_amount": Decimal(17000),
            "payment_method": "cash",
        }
        order = Order.objects.create(status=Status.objects.get(code=status), **(defaults | values))
        for position, name in enumerate(items or ("Букет Стандарт",)):
            OrderItem.objects.create(
                order=order,
                position=position,
                price=Decimal(7500),
                total=Decimal(7500),
                product_snapshot={"name": name} | ({"properties": properties[position]} if properties else {}),
            )
        return orders_to_print(Order.objects.all(), [order.pk])[0]

    return make
