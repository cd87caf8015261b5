"""Tests of ids above 2^31. MySQL's columns for them are `int unsigned` or bigint."""

import pytest
from django.urls import reverse

from bitrix_bridge.inbound.inbox import reprocess
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads.reference import read_reference
from orders import services
from orders.models import City, Customer, Order, Product, Shop
from tests.samples import order_data

pytestmark = pytest.mark.django_db

LARGE = 3_000_000_000
LARGEST = 2**63 - 1


@pytest.mark.parametrize("key", [LARGE, LARGEST])
def test_every_id_of_an_order_can_be_large(post_webhook, client, manager, key):
    data = order_data(
        ID=str(key),
        ACCOUNT_NUMBER=str(key),
        USER_ID=str(key),
        user={"ID": key, "NAME": "Айгерим"},
        basket=[{"ID": key, "PRODUCT_ID": key, "NAME": "Букет", "PRICE": "7500", "QUANTITY": 1}],
        properties={"city": str(key), "shopId": key, "when": str(key)},
    )
    assert post_webhook("order.create", data).json()["action"] == "created"
    event = WebhookEvent.objects.get()
    assert (event.object_id, event.problems) == (key, [])
    order = Order.objects.get()
    item = order.items.get()
    assert (order.bitrix_order_id, order.bitrix_user_id, order.city_id, order.shop_id) == (key, key, key, key)
    assert (item.bitrix_basket_id, item.bitrix_product_id, str(order.delivery_slot_id)) == (key, key, str(key))
    assert Customer.objects.get().bitrix_user_id == Product.objects.get().bitrix_product_id == key
    assert reprocess(event.pk).action == "unchanged"
    client.force_login(manager)
    for page in (
        reverse("admin:orders_order_change", args=[order.pk]),
        f"{reverse('admin:orders_order_changelist')}?q={key}",
        f"{reverse('admin:bitrix_bridge_webhookevent_changelist')}?q={key}",
        reverse("admin:orders_city_change", args=[City.objects.get(bitrix_id=key).pk]),
    ):
        response = client.get(page)
        assert response.status_code == 200, page
        assert str(key) in response.content.decode()


@pytest.mark.parametrize(("event", "model", "field"), [
    ("product.create", Product, "bitrix_product_id"), ("user.update", Customer, "bitrix_user_id"),
])  # fmt: skip
def test_id_of_another_object_can_be_large(post_webhook, event, model, field):
    path = "/webhooks/bitrix/product" if event.startswith("product") else "/webhooks/bitrix/order"
    response = post_webhook(event, {"ID": str(LARGE), "NAME": "Роза", "PHONE": "+77011234567"}, path=path)
    assert response.status_code == 200
    assert WebhookEvent.objects.get().object_id == LARGE
    if model is Product:
        assert model.objects.get(**{field: LARGE})


def test_reference_data_can_have_large_ids():
    rows = [{"id": str(LARGE), "name": "Алматы"}]
    services.apply_reference(snapshot=read_reference({"cities": rows, "shops": rows, "slots": rows}))
    assert City.objects.get(bitrix_id=LARGE).name == Shop.objects.get(bitrix_id=LARGE).name == "Алматы"
