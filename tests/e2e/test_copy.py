"""Tests of the copy buttons in a real browser, with the clipboard API, and without it as on pages without HTTPS."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect, sync_playwright

from orders.models import Order, Status
from tests.e2e.test_newcomer import FLAGS
from tests.needs import CHROMIUM


@pytest.fixture
def page(live_server, manager) -> Iterator[Page]:
    """Yield the page of an order on a phone. The test must not use the database while the page is open."""
    order = Order.objects.create(
        order_number="122225", status=Status.objects.get(code="new"), delivery_address="ул. Абая 150, кв 25"
    )
    address = live_server.url + reverse("admin:orders_order_change", args=[order.pk])
    client = Client()
    client.force_login(manager)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": 360, "height": 800}, has_touch=True, is_mobile=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(address)
        page.locator("#delivery > details > summary").tap()
        yield page
        browser.close()


def test_copy_button_copies_text_and_shows_confirmation(page):
    clipboard = "navigator.clipboard.readText()"
    short = page.get_by_role("button", name="Скопировать коротко")
    assert short.bounding_box()["height"] >= 48
    short.tap()
    expect(page.get_by_role("status").filter(has_text="Скопировано")).to_have_count(1)
    assert page.evaluate(clipboard) == page.locator("#courier-short").text_content()

    # The button also works with the keyboard, and in a browser without the clipboard API.
    page.evaluate("window.savedClipboard = navigator.clipboard")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})")
    address = page.get_by_role("button", name="Скопировать адрес")
    address.focus()
    page.keyboard.press("Enter")
    expect(address.locator(".crm-bubble")).to_have_text("Скопировано")
    assert page.evaluate("window.savedClipboard.readText()") == "ул. Абая 150, кв 25"
    expect(address).to_be_focused()

    # If the text can't be copied, the page asks the user to copy it by hand.
    page.evaluate("document.execCommand = () => false")
    address.tap()
    expect(address.locator(".crm-bubble")).to_contain_text("вручную")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
