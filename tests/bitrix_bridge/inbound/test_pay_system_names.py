"""Tests of the name of a pay system without a payment method: each page, paper, message and file shows it."""

import pytest
from django.core.cache import cache
from django.test import Client

from bitrix_bridge.payloads.reference import read_reference
from orders import services
from orders.models import Order, PaySystem
from tests.bitrix_bridge.inbound.test_unknown_values import PAYMENT, change_url, plain, surfaces, today
from tests.samples import next_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(manager):
    cache.clear()
    client = Client()
    client.force_login(manager)
    return client


def assert_named(seen, name):
    for surface in set(PAYMENT) - {"file"}:
        assert f"не оплачен, способ неизвестен: «{name.casefold()}»" in seen[surface].casefold(), surface
    assert f"неизвестно: «{name}»" in seen["file"]


def test_name_of_the_reference_data_is_shown_everywhere(post_webhook, staff):
    post_webhook("order.create", today(PAY_SYSTEM_ID="12"))
    order = Order.objects.get()
    assert_named(surfaces(staff, order), "Платёжная система 12")
    services.apply_reference(snapshot=read_reference({"pay_systems": [{"id": 12, "name": "Оплата в офисе"}]}))
    assert_named(surfaces(staff, order), "Оплата в офисе")
    assert "неизвестно: «Оплата в офисе»" in plain(staff.get(change_url(order)).content)


def test_name_of_a_payment_and_the_words_of_the_customer_are_shown(post_webhook, staff):
    payment = {"ID": "1", "PAY_SYSTEM_ID": "12", "PAY_SYSTEM_NAME": "Kaspi Red", "PAID": "N"}
    words = "по ссылке, звоните +7 701 123-45-67"
    post_webhook("order.create", today(PAY_SYSTEM_ID="12", payments=[payment], properties={"METHOD_PAY": words}))
    order = Order.objects.get()
    assert (order.pay_system.name, order.pay_system.needs_attention) == ("Kaspi Red", False)
    assert "способ неизвестен: «Kaspi Red, по ссылке, звоните" in surfaces(staff, order)["list"]
    assert "123-45-67" not in surfaces(staff, order)["list"]


def test_markup_in_a_name_is_escaped(post_webhook, staff):
    row = {"id": 12, "name": "<script>Офис</script>"}
    services.apply_reference(snapshot=read_reference({"pay_systems": [row]}))
    post_webhook("order.create", today(PAY_SYSTEM_ID="12"))
    pages = (
        change_url(Order.objects.get()),
        "/crm/orders/order/?preset=all",
        "/crm/orders/paysystem/methods/",
    )
    for page in pages:
        html = staff.get(page).content.decode()
        assert "Офис" in html, page
        assert "<script>Офис" not in html, page


def test_method_of_the_property_with_an_id_of_a_known_pay_system(post_webhook):
    services.apply_reference(snapshot=read_reference({"pay_systems": [{"id": 12, "name": "Офис"}]}))
    post_webhook("order.create", today(PAY_SYSTEM_ID=..., properties={"METHOD_PAY": "12"}))
    order = Order.objects.get()
    assert (order.pay_system_id, order.unknown_values) == (12, {"payment_method": "№ 12"})
    services.choose_payment_method(bitrix_id=12, method="card", actor=None)
    order.refresh_from_db()
    assert (order.payment_method, order.unknown_values) == ("card", {})


def test_order_moves_to_the_pay_system_that_the_site_reports(post_webhook):
    data = today()
    post_webhook("order.create", data)
    post_webhook("order.update", next_version(data, PAY_SYSTEM_ID="12"))
    order = Order.objects.get()
    assert (order.pay_system_id, PaySystem.objects.count()) == (12, 2)
    services.choose_payment_method(bitrix_id=1, method="kaspi", actor=None)
    order.refresh_from_db()
    assert order.unknown_values == {"payment_method": "№ 12"}
