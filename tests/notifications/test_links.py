"""Tests of the URLs and buttons in messages."""

from typing import Any
from urllib.parse import unquote

import pytest

from notifications import links
from notifications.links import buttons, is_public, map_url, order_url
from orders.models import City
from tests.notifications.made_up import bare_order, order

PAGES = {"admin:orders_order_change": "/crm/orders/order/{}/change/"}


@pytest.fixture(autouse=True)
def _pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "reverse", lambda name, args: PAGES[name].format(*args))


def test_order_message_has_buttons_for_page_and_map(settings: Any) -> None:
    settings.PUBLIC_URL = "https://crm.example.kz"
    made_up = order()

    page, on_map = buttons(made_up)
    assert page.title == "Open the order"
    assert page.url == f"https://crm.example.kz/crm/orders/order/{made_up.pk}/change/"
    assert on_map.title == "On the map"
    assert unquote(on_map.url) == "https://2gis.kz/search/Алматы, ул. Абая 150, кв 25"


@pytest.mark.parametrize(
    "url", ["http://localhost:8001", "http://127.0.0.1:8001", "http://crm.example.kz", "", "javascript:x"]
)
def test_url_that_telegram_refuses_gets_no_button(settings: Any, url: str) -> None:
    settings.PUBLIC_URL = url

    assert not is_public(url)
    assert [button.title for button in buttons(order())] == ["On the map"]


@pytest.mark.parametrize(
    ("changes", "query"),
    [
        ({"delivery_address": "г. Алматы, пр. Достык 5/1"}, "г. Алматы, пр. Достык 5/1"),
        ({"delivery_address": "ул. <Абая>\n&?#%"}, "Алматы, ул. <Абая> &?#%"),
        ({"city": None}, "ул. Абая 150, кв 25"),
        ({"city": City(name="Астана")}, "Астана, ул. Абая 150, кв 25"),
        ({"delivery_address": "ә" * 5000}, "Алматы, " + "ә" * 200),
    ],
)
def test_map_url_searches_for_the_delivery_address(changes: dict[str, Any], query: str) -> None:
    url = map_url(order(**changes))

    assert unquote(url.removeprefix("https://2gis.kz/search/")) == query
    assert not set(url) & set("<>&?# \n")


@pytest.mark.parametrize("changes", [{"delivery_address": " "}, {"is_pickup": True}])
def test_map_url_is_empty_for_pickup_or_without_address(changes: dict[str, Any]) -> None:
    assert map_url(order(**changes)) == ""


def test_order_url_uses_public_url(settings: Any) -> None:
    settings.PUBLIC_URL = "http://localhost:8001"
    made_up = bare_order()

    assert order_url(made_up) == f"http://localhost:8001/crm/orders/order/{made_up.pk}/change/"
