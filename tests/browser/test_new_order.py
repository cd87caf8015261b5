"""Test in a browser that a manager can enter a new order during a phone call."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from playwright.sync_api import expect

from bitrix_bridge.sandbox import Sandbox
from cvety_crm.outbox import deliver_due
from orders import services
from orders.models import Customer, Order, Product
from orders.services import NewItem
from tests.browser.conftest import SIZES

pytestmark = [pytest.mark.django_db(transaction=True)]

MAX_ACTIONS = 15


@pytest.fixture
def regular(manager, slots):
    """Return a customer with two orders, and create some products."""
    for number, (name, price) in enumerate([("Роза красная", 900), ("Розы в коробке", 18000), ("Ваза", 3500)]):
        Product.objects.create(name=name, price=Decimal(price), quantity=Decimal(12), bitrix_product_id=number + 1)
    customer = Customer.objects.create(name="Айгерим К.", phone="+77771234567")
    for name, address in (("Мария", "ул. Абая 150, кв 25"), ("Мама", "мкр Самал-2, д. 33, кв 14")):
        services.create_order(
            items=[NewItem(name="Букет", price=Decimal(5000))],
            fields={"recipient_name": name, "recipient_phone": "87015554433", "delivery_address": address},
            customer=customer,
            actor=manager,
        )
    return customer


def test_13_new_order_needs_few_actions_and_reaches_the_site(screen, regular, live_server, settings):
    page = screen.open("/crm/orders/order/add/")
    actions = 0

    def act(do, *arguments):
        nonlocal actions
        actions += 1
        do(*arguments)

    expect(page.get_by_role("combobox", name="Телефон клиента")).to_be_focused()
    act(page.keyboard.type, "8 777 123 45 67")  # the complete number identifies the customer
    expect(page.get_by_role("status").filter(has_text="2 заказа")).to_be_visible()
    expect(page.get_by_role("combobox", name="Имя клиента")).to_have_value("Айгерим К.")
    act(page.get_by_role("button", name="Мария · ул. Абая 150, кв 25").click)
    act(page.get_by_role("button", name="Завтра", exact=True).click)
    act(page.get_by_role("radio", name="18:00–19:00").check)
    act(page.get_by_role("combobox", name="Товар").click)
    act(page.keyboard.type, "розы кор")
    expect(page.get_by_role("option", name="Розы в коробке")).to_be_visible()
    act(page.keyboard.press, "Enter")
    act(page.keyboard.type, "роза крас")
    act(page.keyboard.press, "Enter")  # this key is pressed before the list of suggestions is shown
    lines = page.locator("[data-line]")
    expect(lines).to_have_count(2)
    act(lines.nth(1).get_by_role("button", name="Больше на один").click)
    act(page.get_by_label("Доставка, ₸").fill, "1500")
    expect(page.locator("[data-sum]")).to_have_text("21\xa0300\xa0₸")
    screen.check()

    # The entered data of the order is restored after a reload.
    page.reload()
    expect(page.get_by_role("status").filter(has_text="Черновик восстановлен")).to_be_visible()
    expect(page.locator("[data-sum]")).to_have_text("21\xa0300\xa0₸")
    expect(page.get_by_role("button", name="Мария · ул. Абая 150, кв 25")).to_have_attribute("aria-pressed", "true")
    save = page.get_by_role("button", name="Создать заказ")
    if screen.is_touchscreen:
        assert save.bounding_box()["height"] >= 48
        expect(save).to_be_in_viewport()
        act(save.click)
    else:
        page.get_by_label("Пожелания флористу").focus()
        act(page.keyboard.press, "Control+Enter")
    expect(page.get_by_role("status").first).to_contain_text("сайт получит его сам")
    assert actions <= MAX_ACTIONS

    order = Order.objects.order_by("created_at").last()
    assert str(order.pk) in page.url
    assert (order.customer, order.recipient_name, order.recipient_phone) == (regular, "Мария", "+77015554433")
    assert (order.delivery_address, order.delivery_slot.name) == ("ул. Абая 150, кв 25", "18:00–19:00")
    assert order.delivery_date == timezone.localdate() + timedelta(days=1)
    assert [(item.name, item.quantity) for item in order.items.all()] == [("Розы в коробке", 1), ("Роза красная", 2)]
    assert order.total_amount == Decimal(21300)

    if screen.size == min(SIZES, key=lambda size: SIZES[size]):
        with Sandbox(
            f"{live_server.url}/webhooks/bitrix/order",
            webhook_token=django_settings.WEBHOOK_TOKENS[0],
            api_token=django_settings.BITRIX_API_TOKEN,
        ) as site:
            settings.BITRIX_API_URL = site.bridge_url
            deliver_due()
            there = site.site.order_by_xml_id(f"crm-{order.pk}")
        assert (there["PRICE"], there["properties"]["nameRecipient"]) == ("21300.0000", "Мария")

    # The entered data is deleted after the order was created.
    screen.open("/crm/orders/order/add/")
    expect(page.get_by_role("combobox", name="Телефон клиента")).to_have_value("")
    expect(lines).to_have_count(0)
