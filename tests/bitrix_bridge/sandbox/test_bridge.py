"""Tests of the actions and refusals of the bridge over real HTTP."""

from __future__ import annotations

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from bitrix_bridge.sandbox import Sandbox


def refusal(answer):
    return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["step"]


def test_create_stores_the_request_and_returns_the_ids(sandbox, call_bridge, create_request):
    answer = call_bridge("order.create", xml_id="crm-1", courier_comment="Осторожно, ваза", **create_request)
    assert answer.status_code == 200
    body = answer.json()
    order = sandbox.site.order(body["order_id"])
    assert body == {
        "success": True,
        "order_id": int(order["ID"]),
        "order_number": order["ACCOUNT_NUMBER"],
        "version": 0,
        "created": True,
    }
    assert order["XML_ID"] == "crm-1"
    assert order["STATUS_ID"] == "N"
    assert (order["PRICE"], order["PRICE_DELIVERY"], order["CURRENCY"]) == ("9000.0000", "1500.0000", "KZT")
    assert (order["USER_DESCRIPTION"], order["COMMENTS"]) == ("Позвонить за час", "Осторожно, ваза")
    assert order["PAY_SYSTEM_ID"] == "1"
    assert order["properties"]["nameRecipient"] == "Әлия"
    assert order["properties"]["phoneRecipient"] == "+77011234567"
    assert order["properties"]["addressRecipient"] == "пр. Абая, 10"
    assert order["properties"]["data"] == "2026-08-25"
    assert order["properties"]["postcardText"] == "Құттықтаймын 🌹\nМама"
    assert order["user"]["PERSONAL_PHONE"] == "+77017654321"
    assert order["USER_ID"] == order["user"]["ID"]
    (line,) = order["basket"]
    assert (line["PRODUCT_ID"], line["NAME"], line["PRICE"]) == ("696613", "Букет Стандарт", "7500.0000")
    assert (line["QUANTITY"], line["BASE_PRICE"], line["DISCOUNT_PRICE"]) == ("1.0000", "7500.0000", "0.0000")
    assert sandbox.site.writes == 1


def test_request_without_action_creates_an_order_as_on_the_live_site(sandbox, call_bridge, create_request):
    first, second = call_bridge(**create_request).json(), call_bridge(**create_request).json()
    assert first["success"]
    assert first["created"]
    assert second["created"]
    assert first["order_id"] != second["order_id"], "without an xml_id each request is a new order"


def test_properties_override_the_requests_own_keys(sandbox, call_bridge, create_request):
    create_request["properties"]["nameRecipient"] = "Дана"
    order_id = call_bridge("order.create", **create_request).json()["order_id"]
    assert sandbox.site.order(order_id)["properties"]["nameRecipient"] == "Дана"


def test_same_phone_in_another_format_belongs_to_the_same_user(sandbox, call_bridge, create_request):
    first = call_bridge("order.create", **create_request).json()["order_id"]
    create_request["properties"]["phone"] = "8 (701) 765-43-21"
    second = call_bridge("order.create", **create_request).json()["order_id"]
    assert sandbox.site.order(first)["USER_ID"] == sandbox.site.order(second)["USER_ID"]


def test_create_is_idempotent_under_concurrent_requests(sandbox, call_bridge, create_request):
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: call_bridge("order.create", xml_id="crm-9", **create_request).json(), range(20))
        )
    assert {answer["order_id"] for answer in answers} == {answers[0]["order_id"]}
    assert sorted(answer["created"] for answer in answers) == [False] * 19 + [True]
    assert sandbox.site.writes == 1
    assert [event.name for event in sandbox.sender.events] == ["order.create"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"items": []}, (422, "empty_basket", "basket")),
        ({"items": None}, (422, "empty_basket", "basket")),
        ({"items": ["rose"]}, (422, "bad_item", "basket")),
        ({"items": [{"bitrix_product_id": 1, "quantity": 0, "price": 5}]}, (422, "bad_amount", "basket")),
        ({"items": [{"bitrix_product_id": 1, "quantity": 1, "price": "much"}]}, (422, "bad_amount", "basket")),
        ({"items": [{"bitrix_product_id": "x", "quantity": 1, "price": 1}]}, (422, "bad_id", "basket")),
        ({"total_amount": -1}, (422, "bad_amount", "order")),
        ({"total_amount": "NaN"}, (422, "bad_amount", "order")),
        ({"status_id": "ZZ"}, (422, "status_unknown", "status")),
        ({"status_id": "DN"}, (422, "status_unknown", "status")),
        ({"properties": "phone"}, (422, "bad_properties", "properties")),
        ({"comment": "x" * 2001}, (422, "too_long", "order")),
    ],
)
def test_create_refuses_an_invalid_request(sandbox, call_bridge, create_request, change, expected):
    assert refusal(call_bridge("order.create", **{**create_request, **change})) == expected
    assert sandbox.site.writes == 0
    assert sandbox.sender.events == []


def test_create_assigns_new_basket_ids(sandbox, call_bridge, create_request):
    create_request["items"][0]["bitrix_basket_id"] = 7
    order_id = call_bridge("order.create", **create_request).json()["order_id"]
    assert sandbox.site.order(order_id)["basket"][0]["ID"] != "7"


def test_create_ignores_unknown_keys_and_accepts_an_empty_php_array(call_bridge, create_request):
    answer = call_bridge("order.create", **{**create_request, "properties": [], "event_id": "x", "colour": "red"})
    assert answer.json()["created"]


def test_status_change_increments_the_version(sandbox, call_bridge):
    order_id = int(sandbox.place_order()["ID"])
    way = ["N", "AP", "PD", "CO", "RD", "DE", "F"]
    versions = [
        call_bridge("order.status", order_id=order_id, status_id=after, expected_status_id=before).json()["version"]
        for before, after in itertools.pairwise(way)
    ]
    assert versions == [1, 2, 3, 4, 5, 6]
    assert sandbox.site.writes == 6


def test_status_conflict_returns_the_current_state(sandbox, call_bridge):
    order_id = int(sandbox.place_order()["ID"])
    sandbox.change_status(order_id, "PD")
    answer = call_bridge("order.status", order_id=order_id, status_id="AP", expected_status_id="N")
    assert refusal(answer) == (409, "status_conflict", "status")
    assert answer.json()["current"] == {"status_id": "PD", "version": 1}
    assert sandbox.site.writes == 0


def test_setting_the_present_status_succeeds_and_changes_nothing(sandbox, call_bridge):
    order_id = int(sandbox.place_order()["ID"])
    sandbox.change_status(order_id, "AP")
    events = len(sandbox.sender.events)
    answer = call_bridge("order.status", order_id=order_id, status_id="AP", expected_status_id="N")
    assert answer.json() == {"success": True, "order_id": order_id, "version": 1}
    assert sandbox.site.writes == 0
    assert len(sandbox.sender.events) == events


@pytest.mark.parametrize("code", ["ZZ", "DN", "", None, 5, ["AP"]])
def test_status_must_be_one_of_the_sites_order_statuses(sandbox, call_bridge, code):
    order_id = sandbox.place_order()["ID"]
    answer = call_bridge("order.status", order_id=order_id, status_id=code, expected_status_id="N")
    assert refusal(answer) == (422, "status_unknown", "status")


def test_only_one_of_concurrent_status_changes_succeeds(sandbox, call_bridge):
    order_id = sandbox.place_order()["ID"]
    requested = ["AP", "PD", "CO", "RD", "DE", "F", "P", "RF"]

    def set_status(code):
        return call_bridge("order.status", order_id=order_id, status_id=code, expected_status_id="N").status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(set_status, requested))
    assert sorted(codes) == [200] + [409] * 7
    assert sandbox.site.order(int(order_id))["VERSION"] == "1"


def test_update_changes_only_the_given_values(sandbox, call_bridge):
    before = sandbox.place_order(postcard_text="Сізге 💐")
    order_id = int(before["ID"])
    answer = call_bridge(
        "order.update",
        order_id=order_id,
        fields={"COMMENTS": "Оставить у охраны", "RESPONSIBLE_ID": 7},
        properties={"nameRecipient": "Дана"},
    )
    assert answer.json() == {"success": True, "order_id": order_id, "version": 1, "repeated": False}
    after = sandbox.site.order(order_id)
    assert (after["COMMENTS"], after["RESPONSIBLE_ID"]) == ("Оставить у охраны", "7")
    assert after["properties"] == {**before["properties"], "nameRecipient": "Дана"}
    untouched = set(before) - {"COMMENTS", "RESPONSIBLE_ID", "properties", "VERSION", "DATE_UPDATE", "checksum"}
    assert {key: after[key] for key in untouched} == {key: before[key] for key in untouched}


def test_update_with_the_same_values_is_no_change(sandbox, call_bridge):
    order = sandbox.place_order(comment="Позвонить")
    items = [
        {"bitrix_product_id": line["PRODUCT_ID"], "price": line["PRICE"], "quantity": line["QUANTITY"]}
        for line in order["basket"]
    ]
    answer = call_bridge(
        "order.update",
        order_id=order["ID"],
        fields={"USER_DESCRIPTION": "Позвонить", "COMMENTS": None, "PRICE": float(order["PRICE"])},
        properties={"when": int(order["properties"]["when"])},
        items=items,
    )
    assert answer.json()["version"] == 0
    assert sandbox.site.order(int(order["ID"])) == order
    assert sandbox.site.writes == 0
    assert len(sandbox.sender.events) == 1


def test_update_of_items_keeps_ids_and_recomputes_the_total(sandbox, call_bridge, create_request):
    order = sandbox.site.create_order(create_request).order
    basket_id = int(order["basket"][0]["ID"])
    items = [
        {"bitrix_basket_id": basket_id, "bitrix_product_id": 696613, "quantity": 2, "price": 7500},
        {"bitrix_product_id": 697002, "quantity": 1, "price": 900, "base_price": 990},
    ]
    assert call_bridge("order.update", order_id=order["ID"], items=items).json()["version"] == 1
    after = sandbox.site.order(int(order["ID"]))
    assert after["PRICE"] == "17400.0000"
    first, second = after["basket"]
    assert (first["ID"], first["NAME"], first["QUANTITY"]) == (str(basket_id), "Букет Стандарт", "2.0000")
    assert int(second["ID"]) > basket_id
    assert (second["PRICE"], second["BASE_PRICE"], second["DISCOUNT_PRICE"]) == ("900.0000", "990.0000", "0.0000")


@pytest.mark.parametrize(
    ("request_part", "expected"),
    [
        ({"fields": {"VERSION": 7}}, (422, "bad_field", "order")),
        ({"fields": {"USER_ID": 7}}, (422, "bad_field", "order")),
        ({"fields": {"CURRENCY": "USD"}}, (422, "bad_field", "order")),
        ({"fields": {"PAYED": "maybe"}}, (422, "bad_flag", "order")),
        ({"fields": {"PRICE": -5}}, (422, "bad_amount", "order")),
        ({"fields": {"STATUS_ID": "ZZ"}}, (422, "status_unknown", "status")),
        ({"fields": "COMMENTS"}, (400, "bad_fields", "request")),
        ({"items": []}, (422, "empty_basket", "basket")),
        (
            {"items": [{"bitrix_basket_id": 1, "quantity": 1, "price": 1}]},
            (422, "basket_unknown", "basket"),
        ),
    ],
)
def test_refused_update_does_not_change_the_order(sandbox, call_bridge, request_part, expected):
    order = sandbox.place_order()
    answer = call_bridge("order.update", order_id=order["ID"], **request_part)
    assert refusal(answer) == expected
    assert sandbox.site.order(int(order["ID"])) == order


def test_payment_and_cancellation_set_the_related_columns(sandbox, call_bridge):
    order = sandbox.place_order()
    call_bridge("order.update", order_id=order["ID"], fields={"PAYED": "Y"})
    paid = sandbox.site.order(int(order["ID"]))
    assert paid["DATE_PAYED"]
    assert float(paid["SUM_PAID"]) == float(paid["PRICE"])
    refused = call_bridge("order.update", order_id=order["ID"], fields={"CANCELED": "Y"})
    assert refusal(refused) == (422, "cancel_refused", "cancel")
    call_bridge("order.update", order_id=order["ID"], fields={"PAYED": "N"})
    call_bridge("order.update", order_id=order["ID"], fields={"CANCELED": "Y", "REASON_CANCELED": "Передумали"})
    cancelled = sandbox.site.order(int(order["ID"]))
    assert (cancelled["CANCELED"], cancelled["REASON_CANCELED"]) == ("Y", "Передумали")
    assert cancelled["STATUS_ID"] == order["STATUS_ID"], "CANCELED does not change the status"


def test_order_is_found_by_id_and_by_xml_id(sandbox, call_bridge):
    order = sandbox.place_order(xml_id="crm-5")
    assert call_bridge("order.get", order_id=int(order["ID"])).json() == {"success": True, "order": order}
    assert call_bridge("order.get", xml_id="crm-5").json()["order"] == order
    assert refusal(call_bridge("order.get")) == (400, "bad_id", "request")
    assert refusal(call_bridge("order.get", xml_id="crm-6")) == (404, "order_not_found", "order")


@pytest.mark.parametrize("action", ["order.get", "order.update", "order.status"])
def test_unknown_and_invalid_order_ids_are_refused(call_bridge, action):
    assert refusal(call_bridge(action, order_id=99, status_id="AP")) == (404, "order_not_found", "order")
    assert refusal(call_bridge(action, order_id="abc", status_id="AP"))[0] == 400


def test_list_returns_changed_orders_page_by_page(sandbox, call_bridge):
    ids = [int(sandbox.place_order()["ID"]) for _ in range(5)]
    first = call_bridge("order.list", limit=2).json()
    assert [row["order_id"] for row in first["orders"]] == ids[:2]
    assert first["next_after_id"] == ids[1]
    rest = call_bridge("order.list", after_id=ids[1], limit=3).json()
    assert [row["order_id"] for row in rest["orders"]] == ids[2:]
    assert rest["next_after_id"] is None
    row = rest["orders"][0]
    assert {"version", "status_id", "price", "payed", "canceled", "date_update"} <= set(row)
    assert call_bridge("order.list", since="2000-01-01T00:00:00+05:00").json()["orders"][4]["order_id"] == ids[4]
    assert call_bridge("order.list", since=time.time() + 3600).json()["orders"] == []
    assert refusal(call_bridge("order.list", since="yesterday")) == (400, "bad_since", "request")


def test_reference_returns_the_sites_lists(call_bridge):
    lists = call_bridge("reference").json()
    statuses = [(row["id"], row["name"]) for row in lists["statuses"]]
    assert [code for code, _ in statuses] == ["N", "AP", "PD", "CO", "CF", "RD", "DE", "F", "P", "RF", "CN"]
    assert ("AP", "Принят") in statuses
    assert ("RF", "Деньги возвращены") in statuses
    assert [row["sort"] for row in lists["statuses"]] == sorted(row["sort"] for row in lists["statuses"])
    assert {"id": 2, "name": "Алматы"} in lists["cities"]
    assert {"id": 17008, "name": "CVETYKZ"} in lists["shops"]
    assert {"id": "18", "name": "15:00-16:00", "starts_at": "15:00", "ends_at": "16:00"} in lists["slots"]
    assert lists["pay_systems"]


def test_ping_returns_versions_and_the_queue_length(call_bridge):
    answer = call_bridge("ping").json()
    assert answer["success"]
    assert answer["versions"]["sale"]
    assert answer["webhook_installed"] is False
    assert answer["queue_length"] == 0


def test_malformed_requests_are_answered_with_400(sandbox, call_bridge):
    def raw(body, **headers):
        headers = {"X-API-TOKEN": "not-a-real-token", **headers}
        return requests.post(sandbox.bridge_url, data=body, headers=headers, timeout=30)

    assert refusal(raw("not json")) == (400, "bad_json", "request")
    assert refusal(raw("")) == (400, "bad_json", "request")
    assert refusal(raw("[" * 100_000)) == (400, "bad_json", "request")
    assert refusal(raw("[1]")) == (400, "bad_request", "request")
    assert refusal(call_bridge("order.explode")) == (400, "unknown_action", "request")
    assert refusal(raw('{"action": ["order.get"]}')) == (400, "unknown_action", "request")
    assert refusal(raw(b"x" * (1024 * 1024 + 1)))[:2] == (400, "bad_length")
    assert refusal(requests.get(sandbox.bridge_url, timeout=30)) == (400, "bad_method", "request")


@pytest.mark.parametrize("headers", [{}, {"X-API-TOKEN": ""}, {"X-API-TOKEN": "another"}])
def test_wrong_or_missing_token_is_answered_with_401(sandbox, create_request, headers):
    answer = requests.post(sandbox.bridge_url, json=create_request, headers=headers, timeout=30)
    assert refusal(answer) == (401, "unauthorized", "auth")
    assert sandbox.site.latest() == []


def test_internal_error_is_answered_with_500_in_the_same_shape(sandbox, call_bridge, monkeypatch):
    monkeypatch.setattr(sandbox.site, "order", lambda order_id: 1 // 0)
    assert refusal(call_bridge("order.get", order_id=5)) == (500, "internal", "internal")


def test_request_log_has_no_token(sandbox, call_bridge, create_request):
    call_bridge("order.create", token="not-a-real-token", **create_request)
    requests.get(sandbox.rest_url + "sale.order.list", timeout=30)
    noted = list(sandbox.site.requests)
    assert [entry["action"] for entry in noted] == ["order.create", "sale.order.list"]
    assert noted[0]["body"]["recipient_name"] == "Әлия"
    text = json.dumps(noted)
    assert sandbox.api_token not in text
    assert sandbox.rest_secret not in text


def test_legacy_bridge_only_creates_and_sends_no_webhook(create_request):
    with Sandbox(api_token="not-a-real-token", legacy_bridge=True) as sandbox:

        def send(**body):
            return requests.post(sandbox.bridge_url, json=body, headers={"X-API-TOKEN": "not-a-real-token"}, timeout=30)

        first = send(action="order.create", xml_id="crm-1", **create_request).json()
        second = send(action="order.create", xml_id="crm-1", **create_request).json()
        assert set(first) == {"success", "order_id", "order_number"}
        assert first["order_id"] != second["order_id"], "it ignores xml_id"
        status = send(action="order.status", order_id=first["order_id"], status_id="AP")
        assert (status.status_code, status.json()["success"]) == (200, False)
        assert isinstance(status.json()["error"], str)
        assert sandbox.sender.events == [], "raw SQL fires no events"
        denied = requests.post(sandbox.bridge_url, json=create_request, timeout=30)
        assert denied.status_code == 401
        assert isinstance(denied.json()["error"], str)


def test_page_and_single_order_are_served_over_http(sandbox):
    order = sandbox.place_order(recipient_name="<script>alert(1)</script>")
    sandbox.change_status(order["ID"], "AP")
    page = requests.get(sandbox.url + "/", timeout=30)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "AP — Принят" in page.text
    assert order["ID"] in page.text
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    shown = requests.get(f"{sandbox.url}/orders/{order['ID']}", timeout=30).json()
    assert (shown["STATUS_ID"], shown["VERSION"]) == ("AP", "1")
    assert requests.get(f"{sandbox.url}/orders/7", timeout=30).status_code == 404
    assert requests.get(f"{sandbox.url}/orders/x", timeout=30).status_code == 404
    assert requests.get(f"{sandbox.url}/favicon.ico", timeout=30).status_code == 404
