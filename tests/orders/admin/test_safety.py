"""Tests that texts from outside are escaped, that GET requests change nothing, and that no token is shown."""

from decimal import Decimal

import pytest
from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from bitrix_bridge.models import Push, PushAttempt, WebhookEvent
from notifications.models import TelegramMessage
from orders import services
from orders.models import City, Customer, OrderEvent, OrderNote, PhoneLook, Product, Status
from tests.orders.admin.conftest import LIST, change_url

EVIL = "<script>alert('x')</script>"
OURS = ("orders", "bitrix_bridge", "notifications")


@pytest.fixture
def order_with_markup(make_order, manager):
    order = make_order(
        properties={
            "nameRecipient": EVIL,
            "addressRecipient": EVIL,
            "postcardText": EVIL,
            "phoneRecipient": EVIL,
            "data": EVIL,
            "name": EVIL,
        },
        USER_DESCRIPTION=EVIL,
        COMMENTS=EVIL,
        user={"ID": "1079", "NAME": EVIL, "PERSONAL_PHONE": EVIL},
        basket=[{"ID": "1", "PRODUCT_ID": "5", "NAME": EVIL, "PRICE": "9000", "QUANTITY": "1"}],
    )
    Status.objects.filter(code="new").update(name=f"Новый{EVIL}")
    City.objects.filter(bitrix_id=2).update(name=EVIL)
    services.change_status(order_id=order.pk, status="accepted", actor=manager, comment=EVIL)
    services.edit_order(
        order_id=order.pk, changes={"postcard_text": EVIL + EVIL, "total_amount": Decimal(1501)}, actor=None
    )
    OrderNote.objects.create(order=order, author=manager, text=EVIL)
    push = Push.objects.get()
    Push.objects.update(last_error=EVIL, request={"x": EVIL})
    PushAttempt.objects.create(entry=push, number=1, answer=EVIL)
    WebhookEvent.objects.update(error=EVIL, traceback=EVIL, problems=[{"field": EVIL, "value": EVIL, "reason": EVIL}])
    TelegramMessage.objects.update(text=EVIL, last_error=EVIL)
    return order


@pytest.mark.slow
def test_texts_from_outside_are_escaped_on_all_pages(browser, order_with_markup):
    pages = [LIST, change_url(order_with_markup), change_url(order_with_markup).replace("change/", "status/")]
    for model in apps.get_models():
        if model._meta.app_label in OURS and model in admin_site()._registry:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            pages.append(reverse(f"{name}_changelist"))
            pages += [reverse(f"{name}_change", args=[row.pk]) for row in model._default_manager.all()[:3]]
    for page in pages:
        answer = browser.get(page)
        assert answer.status_code == 200, page
        assert EVIL not in answer.content.decode(), page

    bulk = {"action": "change_status_of_selected", "_selected_action": [str(order_with_markup.pk)], "index": 0}
    assert EVIL not in browser.post(LIST, bulk).content.decode()


def admin_site():
    from django.contrib.admin import site

    return site


def state() -> str:
    """Return all rows of the project's apps as JSON, without the log of who has seen phones."""
    rows = [
        row
        for model in apps.get_models()
        if model._meta.app_label in OURS and model is not PhoneLook
        for row in model._default_manager.order_by("pk")
    ]
    return serializers.serialize("json", rows)


def admin_paths(key: str) -> list[str]:
    """Return every URL of the admin, with this key in the URLs that need a key."""

    def walk(patterns, prefix):
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern):
                yield route

    found = []
    for route in walk(get_resolver().url_patterns, "/"):
        if route.startswith("/crm/") and "logout" not in route:
            for placeholder in ("<path:object_id>", "<uuid:key>", "<uuid:batch>", "<uuid:event>"):
                route = route.replace(placeholder, key)
            if "<" not in route and "(" not in route:
                found.append(route)
    return found


@pytest.mark.slow
def test_get_of_any_admin_url_changes_nothing(browser, order_with_markup):
    keys = [
        order_with_markup.pk,
        Push.objects.get().pk,
        WebhookEvent.objects.first().pk,
        TelegramMessage.objects.first().pk,
    ]
    Push.objects.update(state="failed")
    before = state()
    # A set is used, because URLs without a key are the same for every key.
    paths = {path for key in keys for path in admin_paths(str(key))}
    for path in sorted(paths):
        browser.get(path)
        browser.get(
            path, {"_form_submitted": "True", "status": "cancelled", "reason": "x"}, headers={"HX-Request": "true"}
        )
    assert len(paths) > 200
    assert state() == before


def test_post_is_refused_without_csrf_token(manager, order_with_markup):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(manager)
    url = change_url(order_with_markup).replace("change/", "status/")
    data = {"_form_submitted": "True", "status": "declined", "comment": ""}
    assert client.post(url, data).status_code == 403
    assert client.post(f"/crm/orders/order/{order_with_markup.pk}/accept-site/").status_code == 403


@pytest.mark.parametrize("path", [LIST, "/crm/", "/crm/bitrix_bridge/push/", "/crm/orders/customer/"])
def test_pages_redirect_to_login_without_session(client, db, path):
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/crm/login/")


def test_pages_show_no_tokens_or_keys(browser, order_with_markup):
    event = WebhookEvent.objects.first()
    for path in (
        LIST,
        change_url(order_with_markup),
        reverse("admin:bitrix_bridge_webhookevent_change", args=[event.pk]),
    ):
        html = browser.get(path).content.decode()
        for secret in (*settings.WEBHOOK_TOKENS, settings.BITRIX_API_TOKEN, settings.SECRET_KEY):
            assert secret not in html


def test_reader_of_orders_can_not_open_other_lists(browser_of, order_with_markup):
    reader = browser_of("orders.view_order")
    assert reader.get(LIST).status_code == 200
    for model in (Customer, Product, OrderEvent, Push, WebhookEvent, TelegramMessage):
        path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        assert reader.get(path).status_code == 403, path


def test_order_admin_has_no_mixins():
    """Mixins share one namespace.

    If two mixins had a method with the same private name, one method could replace a permission check of the other.
    """
    from orders.admin.orders.change_view import OrderFormAdmin
    from orders.admin.orders.model_admin import OrderAdmin

    own = [part for part in OrderAdmin.__mro__ if part.__module__.startswith("orders.")]
    assert own == [OrderAdmin, OrderFormAdmin]
