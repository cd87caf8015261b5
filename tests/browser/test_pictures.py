"""Tests of the pictures of products in a real browser: their sizes, the retry, and pages with and without pictures."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from bitrix_bridge.sandbox.pictures import picture_at, picture_path
from bitrix_bridge.sandbox.reference import PRODUCTS
from orders.models import Order, Product
from orders.product_pictures import responses
from orders.product_pictures.fetching import State, Thumbnail
from tests.browser.conftest import Screen, Shop
from tests.orders.product_pictures.conftest import PictureSite, picture_cache, picture_site  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

LOADED = "image => image.complete && image.naturalWidth > 0"


@pytest.fixture
def pictured(shop: Shop, picture_site: PictureSite) -> list[Order]:  # noqa: F811
    """Return orders with products that have pictures, one whose picture is missing, and one without a picture."""
    orders = []
    for number, product in enumerate(PRODUCTS[:8]):
        path = picture_path(product.id)
        if number != 2:
            picture_site.has(path, picture_at(path))
        line = {"ID": str(900 + number), "PRODUCT_ID": str(product.id), "NAME": product.name, "PRICE": "7500"}
        second = PRODUCTS[number - 1]
        lines = [
            line | {"QUANTITY": "1"} | ({} if number == 3 else {"PICTURE": path}),
            {"ID": str(950 + number), "PRODUCT_ID": str(second.id), "NAME": second.name, "PRICE": "500"}
            | {"QUANTITY": "2"},
        ]
        orders.append(shop.order(122300 + number, hours=number, basket=lines))
    return orders


def box(locator: Any) -> tuple[float, float]:
    found = locator.bounding_box()
    return found["width"], found["height"]


def test_pictures_have_their_size_before_and_after_loading_and_when_they_are_missing(screen: Screen, pictured):
    page = screen.open()
    pictures = page.locator("#result_list .crm-picture")
    expect(pictures).to_have_count(len(pictured) - 1)  # one order has no picture
    assert {box(one) for one in pictures.all()} == {(34, 34)}
    screen.row(122300).locator("img.crm-picture").scroll_into_view_if_needed()
    page.wait_for_function(
        f"[...document.querySelectorAll('#result_list img.crm-picture')].slice(0, 1).every({LOADED})"
    )
    assert {box(one) for one in pictures.all()} == {(34, 34)}
    screen.check()


def test_order_page_shows_pictures(screen: Screen, pictured):
    page = screen.open(reverse("admin:orders_order_change", args=[pictured[4].pk]))
    shown = page.locator(".crm-composition img.crm-picture")
    expect(shown).to_have_count(1)
    page.wait_for_function(f"[...document.querySelectorAll('.crm-composition img')].every({LOADED})")
    assert box(shown.first) == (56, 56)
    screen.check()


def test_picture_that_is_being_fetched_is_requested_again(screen: Screen, pictured, monkeypatch):
    asked: list[str] = []
    real = responses.thumbnail

    def busy_once(address: str, size: Any) -> Thumbnail:
        asked.append(address)
        return Thumbnail(State.BUSY) if len(asked) < 3 else real(address, size)

    monkeypatch.setattr(responses, "thumbnail", busy_once)
    page = screen.open(reverse("admin:orders_order_change", args=[pictured[4].pk]))
    page.wait_for_function(f"[...document.querySelectorAll('.crm-composition img')].every({LOADED})")


def test_new_order_shows_pictures_of_found_and_chosen_products(screen: Screen, pictured):
    page = screen.open(reverse("admin:orders_order_add"))
    page.get_by_role("combobox", name="Товар").fill("бук")
    found = page.locator(".crm-suggestion img.crm-picture")
    expect(found.first).to_be_visible()
    assert box(found.first) == (40, 40)
    page.locator(".crm-suggestion").first.click()
    chosen = page.locator("[data-line] img.crm-picture")
    page.wait_for_function(f"[...document.querySelectorAll('[data-line] img')].every({LOADED})")
    assert box(chosen) == (40, 40)
    product = Product.objects.get(pk=page.locator("[data-line] [name$='-product']").input_value())
    assert chosen.get_attribute("src") == reverse("product_thumbnail", args=[product.pk])
    screen.check()


def test_products_show_pictures(screen: Screen, pictured):
    screen.check(reverse("admin:orders_product_changelist"))
    product = Product.objects.get(bitrix_product_id=PRODUCTS[0].id)
    page = screen.open(reverse("admin:orders_product_change", args=[product.pk]))
    page.wait_for_function(f"[...document.querySelectorAll('img.crm-picture')].every({LOADED})")
    screen.check()
