"""Tests that the sandbox and the real PHP give the same responses: statuses, codes, steps and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from bitrix_bridge.sandbox import Sandbox
from tests.bitrix_bridge.php.site import API_TOKEN, PhpSite


class BothBridges:
    """Both bridges, each with its own order. A call sends a request to both and returns both responses."""

    def __init__(self, site: PhpSite, sandbox: Sandbox, create_request: dict[str, Any]) -> None:
        self.urls = (site.bridge_url, sandbox.bridge_url)
        self.orders = [self._post(url, create_request).json()["order_id"] for url in self.urls]

    def __call__(self, body: Any, **headers: str) -> list[requests.Response]:
        return [
            self._post(url, self._for(order_id, body), **headers)
            for url, order_id in zip(self.urls, self.orders, strict=True)
        ]

    def _for(self, order_id: int, body: Any) -> Any:
        if isinstance(body, dict) and body.get("order_id") == "ORDER":
            return {**body, "order_id": order_id}
        return body

    def _post(self, url: str, body: Any, **headers: str) -> requests.Response:
        kind = "data" if isinstance(body, str | bytes) else "json"
        headers = {"X-API-TOKEN": API_TOKEN, **headers}
        return requests.post(url, headers=headers, timeout=30, **{kind: body})


@pytest.fixture
def both_bridges(site: PhpSite, create_request: dict[str, Any]) -> Iterator[Callable[..., list[requests.Response]]]:
    with Sandbox(api_token=API_TOKEN) as sandbox:
        yield BothBridges(site, sandbox, create_request)


def item(**changes: Any) -> dict[str, Any]:
    return {"bitrix_product_id": 696613, "quantity": 1, "price": 5, **changes}


REFUSED = {
    "not json": "not json",
    "nothing": "",
    "too deep": "[" * 100_000,
    "a list": "[1]",
    "an empty list": "[]",
    "null": "null",
    "a number": "5",
    "an empty object": "{}",
    "too long": b"x" * (1024 * 1024 + 1),
    "unknown action": {"action": "order.explode"},
    "action is a list": {"action": ["order.get"]},
    "action is null": {"action": None},
    "no items": {"items": []},
    "items are null": {"items": None},
    "item is text": {"items": ["rose"]},
    "items are an object": {"items": {"a": item()}},
    "quantity zero": {"items": [item(quantity=0)]},
    "quantity missing": {"items": [item(quantity=None)]},
    "price is a word": {"items": [item(price="much")]},
    "price is a flag": {"items": [item(price=True)]},
    "product is a word": {"items": [item(bitrix_product_id="x")]},
    "total is negative": {"items": [item()], "total_amount": -1},
    "total is no number": {"items": [item()], "total_amount": "NaN"},
    "fee is a word": {"items": [item()], "delivery_fee": "free"},
    "status unknown": {"items": [item()], "status_id": "ZZ"},
    "status of a shipment": {"items": [item()], "status_id": "DN"},
    "properties are a text": {"items": [item()], "properties": "phone"},
    "properties are a list": {"items": [item()], "properties": ["phone"]},
    "comment too long": {"items": [item()], "comment": "я" * 2001},
    "pay system is a word": {"items": [item()], "payment_method_id": "cash"},
    "get nothing": {"action": "order.get"},
    "get unknown order": {"action": "order.get", "order_id": 99},
    "get a word": {"action": "order.get", "order_id": "abc"},
    "get unknown xml_id": {"action": "order.get", "xml_id": "crm-6"},
    "status of an unknown order": {"action": "order.status", "order_id": 99, "status_id": "AP"},
    "status of a text id": {"action": "order.status", "order_id": "abc", "status_id": "AP"},
    "status without an id": {"action": "order.status", "status_id": "AP"},
    "set unknown status": {"action": "order.status", "order_id": "ORDER", "status_id": "ZZ"},
    "set empty status": {"action": "order.status", "order_id": "ORDER"},
    "wrong expectation": {
        "action": "order.status",
        "order_id": "ORDER",
        "status_id": "AP",
        "expected_status_id": "PD",
    },
    "update unknown order": {"action": "order.update", "order_id": 99, "fields": {"COMMENTS": "x"}},
    "set the version": {"action": "order.update", "order_id": "ORDER", "fields": {"VERSION": 7}},
    "set the user": {"action": "order.update", "order_id": "ORDER", "fields": {"USER_ID": 7}},
    "set the currency": {"action": "order.update", "order_id": "ORDER", "fields": {"CURRENCY": "USD"}},
    "flag with an invalid value": {"action": "order.update", "order_id": "ORDER", "fields": {"PAYED": "maybe"}},
    "a negative price": {"action": "order.update", "order_id": "ORDER", "fields": {"PRICE": -5}},
    "update unknown status": {"action": "order.update", "order_id": "ORDER", "fields": {"STATUS_ID": "ZZ"}},
    "fields are a text": {"action": "order.update", "order_id": "ORDER", "fields": "COMMENTS"},
    "fields are a list": {"action": "order.update", "order_id": "ORDER", "fields": ["COMMENTS"]},
    "update to empty items": {"action": "order.update", "order_id": "ORDER", "items": []},
    "unknown line": {"action": "order.update", "order_id": "ORDER", "items": [item(bitrix_basket_id=1999)]},
    "event id with a quote": {"action": "order.update", "order_id": "ORDER", "event_id": "x' OR '1'='1"},
    "unknown pay system": {"action": "order.update", "order_id": "ORDER", "fields": {"PAY_SYSTEM_ID": 99}},
    "list since a text": {"action": "order.list", "since": "yesterday"},
    "list after a text": {"action": "order.list", "after_id": "x"},
    "list a negative number": {"action": "order.list", "limit": -1},
}


def test_refusals_are_the_same(both_bridges):
    seen = {}
    for name, body in REFUSED.items():
        mine, model = both_bridges(body)
        assert model.status_code >= 400, f"{name}: the sandbox accepts it"
        found = []
        for answer in (mine, model):
            error = answer.json()["error"]
            found.append((answer.status_code, error["code"], error["step"], answer.json().get("current")))
            assert set(answer.json()) - {"current"} == {"success", "error"}
            assert answer.json()["success"] is False
        seen[name] = found
    assert {name: found for name, found in seen.items() if found[0] != found[1]} == {}


PAYING: list[dict[str, Any]] = [
    {"PAYED": "Y"},
    {"CANCELED": "Y"},
    {"PAY_SYSTEM_ID": 3},
    {"PAY_SYSTEM_ID": "1"},
    {"PRICE": "9500.00"},
    {"PAYED": "Y"},
    {"PAYED": "N", "PAY_SYSTEM_ID": 3},
    {"PAYED": "Y", "PAY_SYSTEM_ID": 2},
    {"PAYED": "N", "CANCELED": "Y"},
    {"PAYED": "Y"},
    {"PAY_SYSTEM_ID": 1},
    {"PAYED": "Y", "CANCELED": "N"},
]


def test_payment_and_cancellation_are_the_same_step_by_step(both_bridges):
    for number, fields in enumerate(PAYING):
        seen = []
        for answer, state in zip(
            both_bridges({"action": "order.update", "order_id": "ORDER", "fields": fields}),
            both_bridges({"action": "order.get", "order_id": "ORDER"}),
            strict=True,
        ):
            order, said = state.json()["order"], answer.json()
            error = said.get("error") or {}
            columns = ("PAYED", "CANCELED", "PAY_SYSTEM_ID", "PRICE", "VERSION")
            values = [Decimal(order["SUM_PAID"]), *(order[column] for column in columns)]
            seen.append((answer.status_code, error.get("code"), error.get("step"), values))
        assert seen[0] == seen[1], (number, fields)


ANSWERED = {
    "create": {"items": [item()], "xml_id": "crm-2"},
    "create again": {"items": [item()], "xml_id": "crm-2"},
    "status": {"action": "order.status", "order_id": "ORDER", "status_id": "AP", "expected_status_id": "N"},
    "same status": {"action": "order.status", "order_id": "ORDER", "status_id": "AP", "expected_status_id": "PD"},
    "update": {"action": "order.update", "order_id": "ORDER", "fields": {"COMMENTS": "x"}},
    "update once": {
        "action": "order.update",
        "order_id": "ORDER",
        "fields": {"COMMENTS": "y"},
        "event_id": "made-up-1",
    },
    "and again": {"action": "order.update", "order_id": "ORDER", "fields": {"COMMENTS": "y"}, "event_id": "made-up-1"},
    "empty update": {"action": "order.update", "order_id": "ORDER", "fields": [], "properties": []},
    "get": {"action": "order.get", "order_id": "ORDER"},
    "list": {"action": "order.list"},
    "first page": {"action": "order.list", "limit": "1"},
    "reference": {"action": "reference"},
    "ping": {"action": "ping"},
}
MORE = {
    "get": {"order"},
    # A real site sends these additional keys.
    "ping": {"queue_age_seconds", "queue_failed", "last_error", "agent_installed", "agent_last_run"},
}


def shape(value: Any) -> Any:
    """Return the keys and the types of a value, without its contents."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_answers_have_the_same_shape(both_bridges, shop_database):
    # SQLite does not tell what its columns can store.
    untold = {"storage"} if shop_database.environment()["FAKE_ENGINE"] == "sqlite" else set()
    for name, body in ANSWERED.items():
        mine, model = (answer.json() for answer in both_bridges(body))
        assert model["success"] is True, (name, model)
        more = MORE.get(name, set())
        assert set(mine) == (set(model) - untold) | more, name
        for key in set(mine) - more:
            assert shape(mine[key]) == shape(model[key]), (name, key)


def test_order_has_at_least_the_keys_of_the_sandbox(both_bridges):
    mine, model = (answer.json()["order"] for answer in both_bridges(ANSWERED["get"]))
    assert set(model) <= set(mine)
    assert set(model["user"]) <= set(mine["user"])
    assert set(model["basket"][0]) <= set(mine["basket"][0])
    for column in ("PRICE", "PRICE_DELIVERY", "STATUS_ID", "PAYED", "CANCELED", "VERSION", "CURRENCY", "PAY_SYSTEM_ID"):
        assert mine[column] == model[column], column
    assert {code: mine["properties"][code] for code in model["properties"]} == model["properties"]
    assert [line["NAME"] for line in mine["basket"]] == [line["NAME"] for line in model["basket"]]


def test_reference_lists_are_the_same(both_bridges):
    mine, model = (answer.json() for answer in both_bridges(ANSWERED["reference"]))
    assert mine == model


def test_wrong_token_and_get_are_answered_the_same(both_bridges):
    for headers in ({"X-API-TOKEN": "another"}, {"X-API-TOKEN": ""}):
        mine, model = both_bridges({"action": "ping"}, **headers)
        assert mine.json()["error"].keys() == model.json()["error"].keys()
        assert (mine.status_code, mine.json()["error"]["code"]) == (401, "unauthorized")
    mine, model = (requests.get(url, timeout=30).json() for url in both_bridges.urls)
    assert mine == model
