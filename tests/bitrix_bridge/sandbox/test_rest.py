"""Tests of the REST methods with Bitrix's own names, types and errors."""

from __future__ import annotations

import pytest
import requests


@pytest.fixture
def rest(sandbox):
    def call(method, **params):
        return requests.post(sandbox.rest_url + method, json=params, timeout=30)

    return call


def test_order_get_returns_the_order(sandbox, rest):
    order = sandbox.place_order(postcard_text="Құттықтаймын 🌹")
    answer = rest("sale.order.get", id=order["ID"]).json()
    got = answer["result"]["order"]
    assert (got["id"], got["accountNumber"], got["statusId"]) == (int(order["ID"]), order["ID"], "N")
    assert (got["version"], got["payed"], got["price"]) == (0, "N", float(order["PRICE"]))
    assert got["dateInsert"].endswith("+05:00")
    assert [line["id"] for line in got["basketItems"]] == [line["ID"] for line in order["basket"]]
    assert {value["code"]: value["value"] for value in got["propertyValues"]} == order["properties"]
    assert "time" in answer


def test_payment_list_returns_the_payments_of_an_order(sandbox, rest):
    order_id = int(sandbox.place_order(payment_method_id=3)["ID"])
    paid = sandbox.site.update_order(order_id, {"PAYED": "Y"})
    more = sandbox.site.update_order(order_id, {"PRICE": float(paid["PRICE"]) + 500})
    sandbox.site.update_order(order_id, {"PAYED": "Y"})
    payments = rest("sale.order.get", id=order_id).json()["result"]["order"]["payments"]
    assert [(one["paySystemId"], one["sum"], one["paid"], one["isReturn"]) for one in payments] == [
        ("3", float(paid["PRICE"]), "Y", "N"),
        ("3", float(more["PRICE"]) - float(paid["PRICE"]), "Y", "N"),
    ]


def test_fallen_version_is_returned_as_stored(sandbox, rest):
    order_id = int(sandbox.place_order()["ID"])
    held = sandbox.site.open_order(order_id)
    for status in ("AP", "PD"):
        rest("sale.order.update", id=order_id, fields={"statusId": status})
    sandbox.site.save_opened(held, {"COMMENTS": "x"})
    got = rest("sale.order.get", id=order_id).json()["result"]["order"]
    assert (got["version"], got["statusId"], got["comments"]) == (1, "PD", "x")
    (row,) = rest("sale.order.list").json()["result"]["orders"]
    assert row["version"] == 1


@pytest.mark.parametrize("suffix", ["", ".json"])
def test_form_and_query_parameters_are_read(sandbox, suffix):
    order_id = sandbox.place_order()["ID"]
    url = f"{sandbox.rest_url}sale.order.get{suffix}"
    by_query = requests.get(url, params={"id": order_id}, timeout=30).json()
    by_form = requests.post(url, data={"id": order_id}, timeout=30).json()
    assert by_query["result"] == by_form["result"]
    form = {"id": order_id, "fields[statusId]": "AP"}
    requests.post(f"{sandbox.rest_url}sale.order.update{suffix}", data=form, timeout=30)
    assert sandbox.site.order(int(order_id))["STATUS_ID"] == "AP"


def test_order_update_writes_once_and_ignores_unknown_fields(sandbox, rest):
    order_id = int(sandbox.place_order()["ID"])
    fields = {"statusId": "AP", "comments": "Ваза", "payed": "Y", "nonsense": 1}
    answer = rest("sale.order.update", id=order_id, fields=fields).json()["result"]["order"]
    assert (answer["statusId"], answer["comments"], answer["payed"], answer["version"]) == ("AP", "Ваза", "N", 1)
    assert sandbox.site.writes == 1
    assert rest("sale.order.update", id=order_id, fields=fields).json()["result"]["order"]["version"] == 1
    assert sandbox.site.writes == 1
    assert [event.name for event in sandbox.sender.events] == ["order.create", "order.update"]


def test_order_update_accepts_any_status_as_bitrix_does(sandbox, rest):
    order_id = int(sandbox.place_order()["ID"])
    rest("sale.order.update", id=order_id, fields={"statusId": "ZZ"})
    assert sandbox.site.order(order_id)["STATUS_ID"] == "ZZ"
    assert requests.get(sandbox.url + "/", timeout=30).status_code == 200


def test_order_list_filters_sorts_pages_and_selects(sandbox, rest):
    ids = [int(sandbox.place_order()["ID"]) for _ in range(53)]
    sandbox.change_status(ids[3], "AP")
    first = rest("sale.order.list").json()
    assert ([row["id"] for row in first["result"]["orders"]], first["total"], first["next"]) == (ids[:50], 53, 50)
    assert "basketItems" not in first["result"]["orders"][0]
    last = rest("sale.order.list", start=50).json()
    assert [row["id"] for row in last["result"]["orders"]] == ids[50:]
    assert "next" not in last
    newest = rest("sale.order.list", filter={">id": ids[50]}, order={"id": "desc"}, select=["id"], start=-1).json()
    assert newest["result"]["orders"] == [{"id": ids[52]}, {"id": ids[51]}]
    assert "total" not in newest
    accepted = rest("sale.order.list", filter={"statusId": "AP"}).json()["result"]["orders"]
    assert [row["id"] for row in accepted] == [ids[3]]
    some = rest("sale.order.list", filter={"@id": [ids[1], str(ids[2])], "!statusId": "AP"}).json()["result"]["orders"]
    assert [row["id"] for row in some] == ids[1:3]
    between = rest("sale.order.list", filter={">=id": ids[1], "<=id": ids[3], "<id": ids[3], "!=id": ids[2]}).json()
    assert [row["id"] for row in between["result"]["orders"]] == [ids[1]]


def test_status_lists_return_statuses_and_names(rest):
    statuses = rest("sale.status.list").json()["result"]["statuses"]
    assert {"N", "AP", "DN"} <= {row["id"] for row in statuses}
    orders = rest("sale.status.list", filter={"type": "O"}).json()["result"]["statuses"]
    assert "DN" not in {row["id"] for row in orders}
    assert len(orders) == 11
    names = rest("sale.statuslang.list", filter={"lid": "ru"}).json()["result"]["statusLangs"]
    assert ("AP", "Принят") in {(row["statusId"], row["name"]) for row in names}


@pytest.mark.parametrize("method", ["sale.order.get", "sale.order.update"])
@pytest.mark.parametrize("order_id", [5, "5", "abc"])
def test_unknown_order_is_refused_with_a_numeric_error_code(rest, method, order_id):
    answer = rest(method, id=order_id, fields={"statusId": "AP"})
    assert answer.status_code == 400
    assert answer.json() == {"error": 200540400001, "error_description": "order is not exists"}


def test_other_errors_have_bitrix_codes(sandbox, rest):
    order_id = sandbox.place_order()["ID"]
    assert (rest("sale.order.get").status_code, rest("sale.order.get").json()["error"]) == (400, 100)
    assert rest("sale.order.update", id=order_id).json()["error"] == 100
    missing = rest("sale.order.fly")
    assert (missing.status_code, missing.json()["error"]) == (404, "ERROR_METHOD_NOT_FOUND")
    assert rest("sale.order.update", id=order_id, fields={"price": "much"}).json()["error"] == 0
    wrong = requests.get(f"{sandbox.url}/rest/1/wrong/sale.order.get", timeout=30)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "INVALID_CREDENTIALS")
    broken = rest("sale.order.list", start="far")
    assert (broken.status_code, broken.json()["error"]) == (500, "INTERNAL_SERVER_ERROR")
