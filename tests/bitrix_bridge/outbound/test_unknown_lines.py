"""Tests of a push that names items which no longer exist, because they were replaced on the site without an event."""

from decimal import Decimal

import pytest

from bitrix_bridge.models import Push
from cvety_crm.outbox import deliver_due
from orders import services
from orders.models import Order
from tests.bitrix_bridge.two_systems.test_examples import line

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared_order(site, post_webhook):
    """Return an order of one bouquet for 7500 KZT."""
    items = [{"bitrix_product_id": 696613, "quantity": 1, "price": 7500}]
    post_webhook("order.create", site.place_order(items=items))
    return Order.objects.get()


@pytest.mark.parametrize("more", [{}, {"comment": "без лилий"}], ids=["lines alone", "lines and a comment"])
def test_lines_replaced_on_site_without_event_get_new_ids(site, shared_order, manager, more):
    """An employee has replaced the bouquet on the site, and the webhook was lost."""
    key = shared_order.bitrix_order_id
    site.site.update_order(key, items=[{"bitrix_product_id": 696614, "quantity": 1, "price": 9500}])
    lines = [line(quantity=Decimal(2), bitrix_basket_id=shared_order.items.get().bitrix_basket_id)]
    services.edit_order(order_id=shared_order.pk, changes=more, items=lines, actor=manager)
    assert deliver_due() == 1
    (there,) = site.site.order(key)["basket"]
    assert (there["PRODUCT_ID"], there["QUANTITY"]) == (str(lines[0].bitrix_product_id), "2.0000")
    shared_order.refresh_from_db()
    assert (shared_order.sync_state, Push.objects.get().state) == ("synced", "delivered")
