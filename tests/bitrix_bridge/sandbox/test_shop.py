"""Tests of the simulated shop: its orders are plausible for every seed."""

from __future__ import annotations

import random
import re
import threading
import time
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrix_bridge.sandbox import Site
from bitrix_bridge.sandbox.reference import CITIES, ORDER_STATUSES, PRODUCTS_BY_ID, SHOPS, SLOT_IDS
from bitrix_bridge.sandbox.shop import change_random_order, order_request, place_order, simulate_shop

TODAY = date(2026, 8, 25)
SEEDS = st.integers(min_value=0, max_value=2**32)


def ten_digits(phone):
    return re.sub(r"\D", "", phone)[-10:]


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_generated_orders_are_plausible_for_any_seed(seed):
    request = order_request(random.Random(seed), TODAY)
    order = Site().create_order(request).order
    properties = order["properties"]
    assert 1 <= len(order["basket"]) <= 4
    for line in order["basket"]:
        product = PRODUCTS_BY_ID[int(line["PRODUCT_ID"])]
        assert line["NAME"] == product.name
        assert Decimal(line["BASE_PRICE"]) == product.price
        assert Decimal(line["BASE_PRICE"]) == Decimal(line["PRICE"]) + Decimal(line["DISCOUNT_PRICE"])
    lines = sum(Decimal(line["PRICE"]) * Decimal(line["QUANTITY"]) for line in order["basket"])
    assert Decimal(order["PRICE"]) == lines + Decimal(order["PRICE_DELIVERY"])
    pickup = "Y" in (properties["pickup"], properties["iWillGet"])
    assert Decimal(order["PRICE_DELIVERY"]) == (0 if pickup else 1500)
    assert bool(properties["addressRecipient"]) is not pickup
    for code in ("phone", "phoneRecipient"):
        assert re.fullmatch(r"7[047][0-8]\d{7}", ten_digits(properties[code])), properties[code]
    assert TODAY <= date.fromisoformat(properties["data"]) <= TODAY + timedelta(days=7)
    assert int(properties["when"]) in SLOT_IDS
    assert int(properties["city"]) in CITIES
    assert int(properties["shopId"]) in SHOPS
    assert properties["name"]
    assert properties["nameRecipient"]
    assert order["STATUS_ID"] == "N"
    assert all(properties[code] in ("Y", "N") for code in ("pickup", "iWillGet", "isAnonymous", "isSurprise"))


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_random_changes_keep_versions_and_events_consistent(seed):
    source = random.Random(seed)
    site, events = Site(), []
    site.subscribe(events.append)
    for _ in range(40):
        if source.random() < 0.4:
            place_order(site, source)
        else:
            change_random_order(site, source)
    for order in site.all_orders():
        assert order["STATUS_ID"] in ORDER_STATUSES
        own = [event for event in events if event.data["ID"] == order["ID"]]
        assert [event.data["VERSION"] for event in own] == [str(version) for version in range(len(own))]
        assert own[-1].data["VERSION"] == order["VERSION"]
        assert not (order["PAYED"] == "Y" and Decimal(order["SUM_PAID"]) != Decimal(order["PRICE"]))


@pytest.mark.parametrize(("age", "moves"), [(0, False), (400, True)])
def test_simulation_leaves_the_status_of_new_orders_to_managers(age, moves):
    source = random.Random(2)
    site = Site(clock=lambda: time.time() - age)
    for _ in range(5):
        place_order(site, source)
    for _ in range(60):
        change_random_order(site, source)
    assert any(order["STATUS_ID"] != "N" for order in site.all_orders()) is moves


def test_generated_orders_vary_over_a_day():
    source = random.Random(3)
    requests = [order_request(source, TODAY) for _ in range(300)]
    properties = [request["properties"] for request in requests]
    assert len({ten_digits(each["phone"]) for each in properties}) < 290, "customers come back"
    assert sum(each["city"] == "2" for each in properties) > 200
    assert sum(each["data"] <= (TODAY + timedelta(days=1)).isoformat() for each in properties) > 150
    assert {len(request["items"]) for request in requests} == {1, 2, 3, 4}
    assert any(item["bitrix_product_id"] == 696613 for request in requests for item in request["items"])
    texts = "".join(each["postcardText"] for each in properties)
    assert "ң" in texts
    assert "🌹" in texts
    assert "\n" in texts
    assert "\r\n" in texts
    for code in ("pickup", "iWillGet", "isAnonymous", "isSurprise"):
        assert {each[code] for each in properties} == {"Y", "N"}


def test_same_seed_gives_the_same_day():
    assert order_request(random.Random(5), TODAY) == order_request(random.Random(5), TODAY)


def test_simulation_starts_with_an_order_and_ends_on_stop_event():
    site, stop = Site(), threading.Event()
    seen = []

    def note(event):
        seen.append(event.name)
        if len(seen) >= 30:
            stop.set()

    site.subscribe(note)
    simulate_shop(site, 0, stop, source=random.Random(1), most_orders=5)
    assert seen[0] == "order.create"
    assert seen.count("order.create") == 5, "it places no more orders than `most_orders`"
    assert seen.count("order.update") >= 25


def test_orders_have_properties_of_the_place_and_of_the_bouquet():
    site, source = Site(), random.Random(5)
    orders = [place_order(site, source) for _ in range(40)]
    for code in ("apartment", "floor", "intercom", "company", "notes"):
        with_code = [order for order in orders if order["properties"][code]]
        assert 0 < len(with_code) < 40, code
        assert all(order["property_labels"][code] for order in with_code)
    sizes = [order["basket"][0].get("PROPS") for order in orders]
    assert {tuple(one["NAME"] for one in found) for found in sizes if found} == {("Размер", "Цвет")}
    assert None in sizes
