"""A new order as a manager types it, on a phone and on a desktop, in a real browser."""

import os
from collections.abc import Iterator
from datetime import time, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect, sync_playwright

from orders import services
from orders.models import Customer, DeliverySlot, Order, Product
from orders.services import NewItem
from tests.e2e.test_newcomer import CHROMIUM, FLAGS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.django_db(transaction=True)]

MOST_ACTIONS = 15


@pytest.fixture
def browser() -> Iterator[Browser]:
    # Playwright's own event loop would have Django refuse the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        expect.set_options(timeout=20_000)
        yield running
        running.close()
        # And beside that loop Django has opened a connection of its own, which nobody else would close.
        connection.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def shop(manager):
    """A regular customer, some products and slots."""
    for hour in range(9, 21):
        name = f"{hour:02}:00–{hour + 1:02}:00"
        DeliverySlot.objects.update_or_create(
            bitrix_id=str(hour + 3), defaults={"name": name, "starts_at": time(hour), "ends_at": time(hour + 1)}
        )
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


def open_page(browser: Browser, live_server, manager, width: int, path: str = "/crm/orders/order/add/") -> Page:
    """Open the page as somebody who is logged in, on a screen of this width; a phone below 600."""
    is_phone = width < 600
    context = browser.new_context(
        viewport={"width": width, "height": 800}, locale="ru-RU", has_touch=is_phone, is_mobile=is_phone
    )
    client = Client()
    client.force_login(manager)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(live_server.url + path)
    return page


@pytest.mark.parametrize("width", [360, 1280])
def test_an_order_is_made_with_few_actions(width, browser, live_server, manager, shop):
    page = open_page(browser, live_server, manager, width)
    actions = 0

    def act(do, *arguments):
        nonlocal actions
        actions += 1
        do(*arguments)

    expect(page.locator("#id_phone")).to_be_focused()
    act(page.keyboard.type, "8 777 123 45 67")  # recognised by the whole number
    expect(page.get_by_role("status").filter(has_text="2 заказа")).to_be_visible()
    expect(page.locator("#id_name")).to_have_value("Айгерим К.")
    act(page.get_by_role("button", name="Мария · ул. Абая 150, кв 25").click)
    act(page.get_by_role("button", name="Завтра", exact=True).click)
    act(page.get_by_role("radio", name="18:00–19:00").check)
    act(page.locator("#new-product").click)
    act(page.keyboard.type, "розы кор")
    expect(page.get_by_role("option", name="Розы в коробке")).to_be_visible()
    act(page.keyboard.press, "Enter")
    act(page.keyboard.type, "роза крас")
    act(page.keyboard.press, "Enter")  # before the list is there
    expect(page.locator("[data-line]")).to_have_count(2)
    act(page.locator("[data-line]").nth(1).get_by_role("button", name="Больше на один").click)
    act(page.get_by_label("Доставка, ₸").fill, "1500")
    expect(page.locator("[data-sum]")).to_have_text("21\xa0300\xa0₸")

    # A reload loses nothing.
    page.reload()
    expect(page.get_by_role("status").filter(has_text="Черновик восстановлен")).to_be_visible()
    expect(page.locator("[data-sum]")).to_have_text("21\xa0300\xa0₸")
    expect(page.get_by_role("button", name="Мария · ул. Абая 150, кв 25")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    save = page.get_by_role("button", name="Создать заказ")
    assert save.bounding_box()["height"] >= 48
    if width < 600:
        act(save.click)
    else:
        page.locator("#id_comment").focus()
        act(page.keyboard.press, "Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("сайт получит его сам")
    assert actions <= MOST_ACTIONS

    order = Order.objects.order_by("created_at").last()
    assert str(order.pk) in page.url
    assert (order.customer, order.recipient_name, order.recipient_phone) == (shop, "Мария", "+77015554433")
    assert (order.delivery_address, order.delivery_slot.name) == ("ул. Абая 150, кв 25", "18:00–19:00")
    assert order.delivery_date == timezone.localdate() + timedelta(days=1)
    assert [(item.name, item.quantity) for item in order.items.all()] == [("Розы в коробке", 1), ("Роза красная", 2)]
    assert order.total_amount == Decimal(21300)
    # The draft is done with.
    page.goto(f"{live_server.url}/crm/orders/order/add/")
    expect(page.locator("#id_phone")).to_have_value("")
    expect(page.locator("[data-line]")).to_have_count(0)
    page.context.close()
