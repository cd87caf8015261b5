"""Tests of the senders and the pages of the earlier CRM: each is understood, or learns where the data is now."""

import json

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from bitrix_bridge.models import WebhookEvent
from cvety_crm.users import User
from orders.models import Order, Shop
from tests.fixtures import WEBHOOK_TOKEN
from tests.samples import order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def post(client):
    """Return a function that posts a body with the header of the earlier senders, and returns the response."""

    def post_body(path, body, token=WEBHOOK_TOKEN):
        headers = {"X-Webhook-Token": token}
        return client.post(path, json.dumps(body), content_type="application/json", headers=headers)

    return post_body


@pytest.mark.parametrize("path", ["/api/webhooks/bitrix/order", "/api/webhooks/bitrix/order/"])
@pytest.mark.parametrize(
    "body",
    [
        {"event": "order.create", "data": order_data()},
        {"action": "create_order", "data": order_data()},
        {"action": "update_order", "data": order_data()},
        {"data": order_data()},
        order_data(),
    ],
)
def test_order_of_an_earlier_sender_is_created(post, path, body):
    response = post(path, body)
    assert (response.status_code, response.json()["action"]) == (200, "created")
    assert Order.objects.get().recipient_name == "Мария"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/webhooks/bitrix/status", {"order_id": "122183", "status": "AP"}),
        ("/api/webhooks/bitrix/status/", {"bitrix_order_id": 122183, "status_id": "AP"}),
        ("/api/webhooks/bitrix/status", {"data": {"ID": 122183, "STATUS_ID": "AP"}}),
        ("/api/webhooks/bitrix/status", {"action": "update_status", "data": {"order_id": 122183, "new_status": "AP"}}),
        ("/webhooks/bitrix/order", {"action": "update_status", "data": {"ID": 122183, "STATUS_ID": "AP"}}),
    ],
)
def test_status_of_an_earlier_sender_is_applied(post, path, body):
    post("/webhooks/bitrix/order", {"event": "order.create", "data": order_data(VERSION=..., DATE_UPDATE=...)})
    response = post(path, body)
    assert (response.status_code, response.json()["action"]) == (200, "status_changed")
    assert Order.objects.get().status.bitrix_code == "AP"
    assert WebhookEvent.objects.filter(event="order.status.change").exists()


def test_status_name_of_the_earlier_crm_changes_no_status(post):
    post("/webhooks/bitrix/order", {"event": "order.create", "data": order_data()})
    post("/api/webhooks/bitrix/status", {"order_id": 122183, "status": "confirmed"})
    assert Order.objects.get().status.bitrix_code == "N"


def test_deletion_by_an_earlier_sender_is_understood(post):
    post("/webhooks/bitrix/order", {"event": "order.create", "data": order_data()})
    assert post("/webhooks/bitrix/order", {"action": "delete_order", "data": {"ID": 122183}}).status_code == 200
    assert Order.objects.get().is_deleted_on_site


@pytest.mark.parametrize(
    "path", ["/api/webhooks/bitrix/order", "/api/webhooks/bitrix/status", "/webhooks/bitrix/order"]
)
def test_wrong_token_in_the_earlier_header_is_refused(post, path):
    assert post(path, {"action": "create_order", "data": order_data()}, token="wrong").status_code == 401
    assert not WebhookEvent.objects.exists()


def test_request_without_an_id_is_refused_and_kept(post):
    assert post("/api/webhooks/bitrix/status", {"status": "AP"}).status_code == 400
    assert WebhookEvent.objects.get().action == "refused"


@pytest.mark.parametrize("path", ["/webhooks/bitrix/shop", "/webhooks/bitrix/shop/", "/webhooks/bitrix/order"])
def test_event_about_a_shop_names_the_shop(post, path):
    answers = [
        post(path, {"event": event, "data": {"ID": "17999", "NAME": name}}).json()["action"]
        for event, name in (("shop.create", "Абая"), ("shop.update", "Абая 10"), ("shop.update", "Абая 10"))
    ]
    assert answers == ["created", "updated", "unchanged"]
    assert Shop.objects.get(bitrix_id=17999).name == "Абая 10"
    assert post(path, {"event": "shop.update", "data": {"ID": "17008"}}).json()["action"] == "ignored"


def test_event_about_a_florist_is_kept_with_the_reason(post):
    assert (
        post("/webhooks/bitrix/florist", {"event": "florist.update", "data": {"ID": 7}}).json()["action"] == "ignored"
    )
    assert "пользователи CRM" in WebhookEvent.objects.get().error


@pytest.mark.parametrize(
    "path", ["orders", "orders/stats", "orders/5/items", "users", "inventory/x", "sync/status", ""]
)
def test_api_of_the_earlier_crm_says_where_the_data_is(client, path):
    for response in (client.get(f"/api/{path}"), client.post(f"/api/{path}", {})):
        assert response.status_code == 410
        assert "/webhooks/bitrix/order" in response.json()["message"]


@pytest.mark.parametrize("form", ["/crm/orders/{pk}", "/crm/orders/{pk}/", "/crm/orders/{site}", "/crm/orders/{site}/"])
def test_page_of_an_order_in_the_earlier_crm_leads_to_the_order(post, client, manager, form):
    post("/webhooks/bitrix/order", {"event": "order.create", "data": order_data()})
    order = Order.objects.get()
    address = form.format(pk=order.pk, site=order.bitrix_order_id)
    login = client.get(address)
    assert (login.status_code, login["Location"].startswith("/crm/login/")) == (302, True)
    client.force_login(manager)
    assert client.get(address)["Location"] == reverse("admin:orders_order_change", args=[order.pk])
    assert client.get("/crm/orders/999")["Location"] == "/crm/orders/order/?q=999"
    assert client.post(address).status_code == 405
    stranger = User.objects.create_user("stranger", password="made-up-password", is_staff=True)
    client.force_login(stranger)
    assert client.get(address).status_code == 403
    stranger.groups.add(Group.objects.get(name="Флорист"))
    assert client.get(address).status_code == 302


@pytest.mark.parametrize(
    ("name", "target"),
    [("products", "/crm/orders/product/"), ("sync", "/crm/status/"), ("inventory", "/crm/"), ("warehouse/", "/crm/")],
)
def test_other_pages_of_the_earlier_crm_lead_to_their_replacement(client, manager, name, target):
    assert client.get(f"/crm/{name}")["Location"].startswith("/crm/login/")
    client.force_login(manager)
    response = client.get(f"/crm/{name}", follow=True)
    assert response.redirect_chain == [(target, 302)]
    assert ("прежней CRM больше нет" in response.content.decode()) == (target == "/crm/")
