"""Tests that an open list learns which of the orders that it rings for are still new."""

import json
from uuid import uuid4

import pytest
from django.urls import reverse

from orders import services
from orders.models import Order

pytestmark = pytest.mark.django_db
PULSE = reverse("admin:orders_order_pulse")


@pytest.fixture
def still_new(client, manager):
    """Return a function that asks for some keys and returns the keys that are still new."""
    client.force_login(manager)

    def ask(*keys):
        answer = client.get(PULSE, {"ringing": ",".join(map(str, keys))})
        assert answer.status_code in (200, 204)
        return json.loads(answer.headers["HX-Trigger"])["crm:still-new"]["keys"]

    return ask


def test_only_new_orders_ring_on(still_new, manager):
    orders = [Order.objects.create(order_number=str(number), status_id="new") for number in range(3)]
    keys = [order.pk for order in orders]
    assert still_new(*keys, uuid4(), "nonsense") == sorted(map(str, keys))
    services.change_status(order_id=keys[0], status="accepted", actor=manager)
    Order.objects.filter(pk=keys[1]).update(is_cancelled=True)
    assert still_new(*keys) == [str(keys[2])]


def test_list_that_does_not_ring_gets_no_header(client, manager):
    client.force_login(manager)
    assert "HX-Trigger" not in client.get(PULSE).headers
