"""Tests that the CRM ignores webhooks about the order of a site check."""

import pytest

from bitrix_bridge.models import Push, WebhookEvent
from notifications.models import TelegramMessage
from orders.models import Customer, Order, Product
from tests.samples import ORDER_ID, order_data

pytestmark = pytest.mark.django_db

XML_ID = "crm-check-6a3b0f4e-7f0e-4c55-9a52-0c0d6f9f2a11"


@pytest.mark.parametrize("event", ["order.create", "order.update", "order.status.change", "order.delete"])
def test_event_about_the_order_of_a_check_is_ignored_with_a_reason(post_webhook, event):
    response = post_webhook(event, order_data(XML_ID=XML_ID))
    assert (response.status_code, response.json()["action"]) == (200, "ignored")
    row = WebhookEvent.objects.get()
    assert (row.state, row.object_id, row.order) == ("processed", ORDER_ID, None)
    assert "check_site" in row.error
    for model in (Order, Customer, Product, Push, TelegramMessage):
        assert not model.objects.exists(), model


def test_bare_status_of_the_order_of_a_check_is_ignored(post_webhook):
    post_webhook("order.create", order_data(XML_ID=XML_ID))
    bare = {"ID": str(ORDER_ID), "STATUS_ID": "AP", "DATE_STATUS": "2026-08-24 12:00:00"}
    assert post_webhook("order.status_change", bare).json()["action"] == "ignored"
    assert not Order.objects.exists()


@pytest.mark.parametrize("xml_id", ["bx_5f3a", "crm-checked", "", None, ...])
def test_event_about_any_other_order_is_not_ignored(post_webhook, xml_id):
    assert post_webhook("order.create", order_data(XML_ID=xml_id)).json()["action"] == "created"
    bare = {"ID": str(ORDER_ID), "STATUS_ID": "AP", "DATE_STATUS": "2026-08-24 12:00:00"}
    assert post_webhook("order.status.change", bare).json()["action"] == "status_changed"
