"""Tests of the total: the CRM sends it only if it differs from the sum of the items and the delivery.

The site computes the total from the items and the delivery itself.
"""

from decimal import Decimal

import pytest

from cvety_crm.outbox import deliver_due
from orders import services
from orders.models import Order
from tests.bitrix_bridge.two_systems.test_examples import echo as echo
from tests.bitrix_bridge.two_systems.test_examples import line

pytestmark = pytest.mark.django_db


def edit(order, manager, items=None, **changes):
    services.edit_order(order_id=order.pk, changes=changes, items=items, actor=manager)
    deliver_due()
    order.refresh_from_db()


def body(site):
    return [one["body"] for one in site.site.requests if one["action"] == "order.update"][-1]


@pytest.fixture
def shared_order(site, post_webhook):
    """Return an order of one bouquet for 7500 KZT with delivery for 1500 KZT."""

    items = [{"bitrix_product_id": 696613, "quantity": 1, "price": 7500}]
    post_webhook("order.create", site.place_order(items=items, delivery_fee=1500, total_amount=9000))
    return Order.objects.get()


def test_total_is_not_sent_with_changed_delivery_fee(site, shared_order, manager, echo):
    edit(shared_order, manager, delivery_fee=Decimal(2000), total_amount=Decimal(9500))
    assert body(site)["fields"] == {"PRICE_DELIVERY": "2000.00"}
    assert site.site.order(shared_order.bitrix_order_id)["PRICE"] == "9500.0000"
    assert (echo(), shared_order.sync_state) == ("unchanged", "synced")


def test_total_is_not_sent_with_changed_lines(site, shared_order, manager):
    first = shared_order.items.get()
    two = [line(bitrix_basket_id=first.bitrix_basket_id, quantity=Decimal(2))]
    edit(shared_order, manager, items=two, total_amount=Decimal(16_500))
    assert "fields" not in body(site)
    assert site.site.order(shared_order.bitrix_order_id)["PRICE"] == "16500.0000"


def test_total_is_sent_when_restored_to_sum_of_parts(site, shared_order, manager, post_webhook):
    """The total on the site differs from the sum of the items and the delivery. Staff set the total to this sum."""
    key = shared_order.bitrix_order_id
    site.site.write_raw(key, {"PRICE": "5000.0000"})
    Order.objects.filter(pk=shared_order.pk).update(total_amount=5000)
    state = shared_order.bitrix_state
    state["agreed"]["total_amount"] = "5000.00"
    Order.objects.filter(pk=shared_order.pk).update(bitrix_state=state)
    edit(shared_order, manager, total_amount=Decimal(9000))
    assert body(site)["fields"]["PRICE"] == "9000.00"
    assert site.site.order(key)["PRICE"] == "9000.0000"


def test_total_that_differs_from_parts_is_sent(site, shared_order, manager):
    edit(shared_order, manager, total_amount=Decimal(8000))
    sent = body(site)
    # If the prices of the items contain the discount, the items are sent.
    assert sent.get("fields", {}).get("PRICE") == "8000.00" or sent["items"]
    assert site.site.order(shared_order.bitrix_order_id)["PRICE"] == "8000.0000"


def test_lines_changed_on_site_keep_their_prices(site, shared_order, manager, echo):
    key = shared_order.bitrix_order_id
    site.site.update_order(key, items=[{"bitrix_product_id": 696613, "quantity": 2, "price": 7500}])
    edit(shared_order, manager, delivery_fee=Decimal(0), total_amount=Decimal(7500))
    there = site.site.order(key)
    assert (there["basket"][0]["PRICE"], there["PRICE"]) == ("7500.0000", "15000.0000")
    echo()
    shared_order.refresh_from_db()
    assert (shared_order.total_amount, shared_order.items.get().quantity) == (15_000, 2)


def test_fee_from_crm_and_lines_from_site_make_one_total(site, shared_order, manager, echo):
    key = shared_order.bitrix_order_id
    services.edit_order(order_id=shared_order.pk, changes={"delivery_fee": Decimal(0)}, actor=manager)
    site.site.update_order(key, items=[{"bitrix_product_id": 696613, "quantity": 2, "price": 7500}])
    assert echo() == "updated"
    deliver_due()
    there = site.site.order(key)
    assert (there["basket"][0]["PRICE"], there["PRICE"]) == ("7500.0000", "15000.0000"), "no price has changed"
    echo()
    shared_order.refresh_from_db()
    assert (shared_order.total_amount, shared_order.sync_state) == (15_000, "synced")
    assert shared_order.events.filter(kind="conflict").count() == 0
