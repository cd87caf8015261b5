"""Tests of orders that another system posts, and that the CRM creates on the site."""

import pytest

from bitrix_bridge.models import Push, WebhookEvent
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import deliver_due
from orders.models import Order
from tests.bitrix_bridge.outbound.test_delivery import make_due

pytestmark = pytest.mark.django_db

POSTED = {
    "webhook_source": "Kaspi",
    "XML_ID": "K-17",
    "USER_DESCRIPTION": "Позвонить",
    "properties": {
        "name": "Айгерим",
        "phone": "87011234567",
        "nameRecipient": "Дана",
        "phoneRecipient": "87017654321",
        "addressRecipient": "Абая 150",
        "data": "2026-12-24",
        "when": "18",
        "city": "2",
    },
    "basket": [{"PRODUCT_ID": "696613", "NAME": "Букет", "PRICE": "7500", "QUANTITY": "1"}],
}


@pytest.fixture
def allowed(settings):
    settings.WEBHOOK_SOURCES_CREATED_ON_SITE = ["kaspi"]


def test_posted_order_is_created_on_the_site_once(allowed, site, post_webhook):
    site.faults.give(faults.answer_lost(), action="order.create")
    assert post_webhook("order.create", POSTED).json()["action"] == "created"
    assert post_webhook("order.update", {**POSTED, "USER_DESCRIPTION": "иначе"}).json()["action"] == "unchanged"
    assert post_webhook("order.create", POSTED).json()["action"] == "unchanged"
    deliver_due()
    make_due(Push.objects.get())
    deliver_due()
    order = Order.objects.get()
    (there,) = site.site.all_orders()
    assert (order.bitrix_order_id, order.sync_state) == (int(there["ID"]), "synced")
    assert (there["USER_DESCRIPTION"], there["properties"]["nameRecipient"], there["PRICE"]) == (
        "Позвонить",
        "Дана",
        "7500.0000",
    )
    assert (order.customer.name, order.customer.phone) == ("Айгерим", "+77011234567")


@pytest.mark.parametrize(
    "changes",
    [{"webhook_source": "other"}, {"webhook_source": None}, {"XML_ID": ""}, {"XML_ID": "crm-1"}],
)
def test_other_order_without_an_id_is_refused(allowed, post_webhook, changes):
    assert post_webhook("order.create", POSTED | changes).status_code == 400
    assert not Order.objects.exists()


def test_nothing_is_created_without_the_setting(settings, post_webhook):
    assert post_webhook("order.create", POSTED).status_code == 400
    settings.WEBHOOK_SOURCES_CREATED_ON_SITE = ["OnSaleOrderSaved"]
    assert post_webhook("order.create", {**POSTED, "webhook_source": "OnSaleOrderSaved"}).status_code == 400
    assert not Push.objects.exists()


def test_order_with_an_id_is_the_site_s_own(allowed, post_webhook):
    assert post_webhook("order.create", {**POSTED, "ID": "122183", "STATUS_ID": "N"}).json()["action"] == "created"
    assert Order.objects.get().bitrix_order_id == 122183
    assert not Push.objects.exists()


def test_order_that_the_crm_can_t_create_is_kept_with_the_reason(allowed, post_webhook):
    assert post_webhook("order.create", {**POSTED, "basket": []}).json()["action"] == "stored"
    assert "NotAllowedError" in WebhookEvent.objects.get().error
    assert not Order.objects.exists()
