"""Tests of links to maps, calls and chats."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from orders.models import City, Order
from orders.presentation.links import (
    call_url,
    telegram_url,
    two_gis_url,
    whatsapp_url,
    yandex_maps_url,
    yandex_route_url,
)


def order(address, city="Алматы"):
    return Order(delivery_address=address, city=City(bitrix_id=1, name=city) if city else None)


@pytest.mark.parametrize(
    ("address", "city", "expected"),
    [
        ("ул. Абая 150, кв 25", "Алматы", "https://2gis.kz/almaty/search/Алматы, ул. Абая 150"),
        ("Достык 1/2 & <b>", "Каскелен", "https://2gis.kz/search/Каскелен, Достык 1/2 & <b>"),
        ("Абая 1, +7 701 123-45-67", None, "https://2gis.kz/search/Абая 1"),
        (" \n ", "Алматы", ""),
    ],
)
def test_map_links_search_for_building(address, city, expected):
    url = two_gis_url(order(address, city))
    assert unquote(url) == expected
    assert not {*url} & {" ", "<", "&", '"'}
    yandex = yandex_maps_url(order(address, city))
    if expected:
        assert parse_qs(urlsplit(yandex).query)["text"] == [expected.rpartition("search/")[2]]
    else:
        assert yandex == ""


@pytest.mark.parametrize("phone", ["", "спросить", "+7", "javascript:alert(1)", "+77011234567; x"])
def test_invalid_phone_gives_no_link(phone):
    assert (call_url(phone), whatsapp_url(phone)) == ("", "")


def test_call_and_chat_links_are_built_from_contacts():
    assert call_url("+77011234567") == "tel:+77011234567"
    assert whatsapp_url("+77011234567") == "https://wa.me/77011234567"
    assert whatsapp_url("+77011234567", "Заказ & №\n1").endswith(
        "?text=%D0%97%D0%B0%D0%BA%D0%B0%D0%B7%20%26%20%E2%84%96%0A1"
    )
    assert telegram_url("@erlan_almaty") == "https://t.me/erlan_almaty"
    assert telegram_url("erlan/x") == telegram_url("") == ""


def test_route_link_contains_the_buildings_in_sequence_and_no_tilde_of_an_address():
    stops = [order("ул. Абая 150 ~ угол, кв 25"), order(""), order("Достык 1/2 & <b> #?", "Каскелен")]
    url = yandex_route_url(stops)
    assert not {*url} & {" ", "<", '"', "#"}
    query = parse_qs(urlsplit(url).query)
    # The first point is empty: the route begins where its user is.
    assert query["rtext"] == ["~Алматы, ул. Абая 150   угол~Каскелен, Достык 1/2 & <b> #?"]
    assert query["rtt"] == ["auto"]
    assert yandex_route_url([order("")]) == yandex_route_url([]) == ""
