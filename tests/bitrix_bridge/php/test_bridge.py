"""Tests of the PHP bridge without the CRM: it creates and changes orders by the rules of Bitrix."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import requests

from bitrix_bridge.site_client.bridge_client import BridgeClient, OrderNotFoundError, StatusConflictError
from cvety_crm.outbox import MisconfiguredError, PermanentDeliveryError
from tests.bitrix_bridge.php.site import API_TOKEN


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["step"]


def changed(site, order_id, **request):
    answer = site.call("order.update", order_id=order_id, **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def order_id(site, create_request):
    return site.call(**create_request).json()["order_id"]


def test_repeated_update_keeps_later_changes_of_staff(site, order_id):
    asked = {"properties": {"addressRecipient": "Достык 5"}, "event_id": "made-up-1"}
    first = changed(site, order_id, **asked)
    changed(site, order_id, properties={"addressRecipient": "Сатпаева 1"})
    again = changed(site, order_id, **asked)
    assert (first["repeated"], again["repeated"], again["version"]) == (False, True, first["version"])
    assert site.properties(order_id)["addressRecipient"] == "Сатпаева 1"
    assert changed(site, order_id, **{**asked, "event_id": "made-up-2"})["version"] == first["version"] + 2


def test_update_without_changes_reads_an_earlier_response(site, order_id):
    changed(site, order_id, fields={"PAYED": "Y"})
    cheaper = changed(site, order_id, fields={"PRICE": "8000.00"}, event_id="made-up-1")
    assert [one["code"] for one in cheaper["warnings"]] == ["inner_account"]
    changed(site, order_id, properties={"addressRecipient": "Сатпаева 1"})
    assert changed(site, order_id, event_id="made-up-1") == {**cheaper, "repeated": True}


def test_update_without_changes_leaves_the_order_and_stops_a_late_request(site, order_id):
    before = site.order(order_id)
    answer = changed(site, order_id, event_id="made-up-1")
    assert (answer["repeated"], answer["version"], "warnings" in answer) == (False, before["VERSION"], False)
    assert changed(site, order_id, event_id="made-up-1", fields={"COMMENTS": "x"})["repeated"] is True
    assert site.order(order_id) == before


def test_create_builds_every_part_of_the_order(site, create_request):
    answer = site.call("order.create", xml_id="crm-1", courier_comment="Осторожно, ваза", **create_request)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    body = answer.json()
    order = site.order(body["order_id"])
    number = order["ACCOUNT_NUMBER"]
    assert body == {
        "success": True,
        "order_id": order["ID"],
        "order_number": number,
        "version": 0,
        "created": True,
    }
    assert (order["XML_ID"], order["STATUS_ID"], order["USER_ID"], order["PERSON_TYPE_ID"]) == ("crm-1", "N", 1079, 1)
    assert (order["PRICE"], order["PRICE_DELIVERY"], order["CURRENCY"]) == ("9000.0000", "1500.0000", "KZT")
    assert (order["USER_DESCRIPTION"], order["COMMENTS"]) == ("Позвонить за час", "Осторожно, ваза")
    assert (order["PAY_SYSTEM_ID"], order["DELIVERY_ID"], order["RUNNING"]) == (1, "1", "N")
    properties = site.properties(order["ID"])
    assert properties["nameRecipient"] == "Әлия"
    assert properties["postcardText"] == "Құттықтаймын 🌹\nМама"
    assert (properties["data"], properties["city"]) == ("2026-08-25", "2")
    (line,) = site.rows("SELECT * FROM b_sale_basket WHERE ORDER_ID = ?", order["ID"])
    assert (line["PRODUCT_ID"], line["NAME"], line["PRICE"]) == (696613, "Букет Стандарт", "7500.0000")
    assert (line["CUSTOM_PRICE"], line["PRODUCT_PROVIDER_CLASS"]) == (
        "Y",
        "\\Bitrix\\Catalog\\Product\\CatalogProvider",
    )
    (payment,) = site.rows("SELECT * FROM b_sale_order_payment WHERE ORDER_ID = ?", order["ID"])
    assert (payment["SUM"], payment["PAY_SYSTEM_NAME"], payment["PAID"]) == ("9000.0000", "Наличные", "N")
    (shipped,) = site.rows("SELECT * FROM b_sale_order_dlv_basket")
    assert (shipped["BASKET_ID"], float(shipped["QUANTITY"])) == (line["ID"], 1)


def test_twenty_concurrent_creates_make_one_order(site, create_request):
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: site.call("order.create", xml_id="crm-9", **create_request).json(), range(20))
        )
    assert {answer["order_id"] for answer in answers} == {answers[0]["order_id"]}
    assert sorted(answer["created"] for answer in answers) == [False] * 19 + [True]
    assert len(site.rows("SELECT ID FROM b_sale_order")) == 1


def test_create_finds_an_order_of_an_interrupted_request(site, create_request):
    first = site.call("order.create", xml_id="crm-9", **create_request).json()
    site.execute("UPDATE b_sale_order SET RUNNING = 'Y'")
    again = site.call("order.create", xml_id="crm-9", **create_request).json()
    assert (again["order_id"], again["created"]) == (first["order_id"], False)
    assert [warning["code"] for warning in again["warnings"]] == ["unfinished"]


def test_values_that_the_site_lacks_are_warnings(site, create_request):
    create_request |= {"delivery_id": 77, "payment_method_id": 88}
    create_request["properties"] |= {"colour": "red", "nothing": ""}
    create_request["items"].append({"bitrix_product_id": 5, "quantity": 2, "price": 100})
    site.execute("UPDATE b_catalog_product SET QUANTITY = '0' WHERE ID = 696613")
    body = site.call(**create_request).json()
    assert body["success"]
    assert [warning["code"] for warning in body["warnings"]] == [
        "out_of_catalogue",
        "no_delivery",
        "no_pay_system",
        "no_property",
    ]
    assert (body["warnings"][0]["product_id"], body["warnings"][3]["property"]) == (696613, "colour")
    lines = site.rows("SELECT PRODUCT_ID, NAME, PRODUCT_PROVIDER_CLASS FROM b_sale_basket ORDER BY ID")
    assert lines == [
        {"PRODUCT_ID": 696613, "NAME": "Букет Стандарт", "PRODUCT_PROVIDER_CLASS": None},
        {"PRODUCT_ID": 5, "NAME": "Товар 5", "PRODUCT_PROVIDER_CLASS": None},
    ]


@pytest.mark.parametrize("phone", ["+77771234567", "87771234567", "+7 (777) 123-45-67", "7 777 123 45 67"])
def test_customer_is_found_by_phone_in_any_format(site, create_request, phone):
    del create_request["user_id"]
    create_request["properties"]["phone"] = phone
    assert site.order(site.call(**create_request).json()["order_id"])["USER_ID"] == 1079


def test_unknown_customer_is_registered_once(site, create_request):
    create_request["user_id"] = 424242
    create_request["properties"] |= {"name": "Дана", "email": "not an address"}
    first, second = (site.order(site.call(**create_request).json()["order_id"])["USER_ID"] for _ in range(2))
    assert first == second
    (user,) = site.rows("SELECT * FROM b_user WHERE ID = ?", first)
    assert (user["NAME"], user["PERSONAL_PHONE"]) == ("Дана", "+77017654321")
    assert user["EMAIL"] == "noemail7017654321@noemail.invalid"


def test_order_without_a_customer_belongs_to_the_anonymous_buyer(site, create_request):
    create_request |= {"user_id": None, "properties": []}
    first, second = (site.order(site.call(**create_request).json()["order_id"])["USER_ID"] for _ in range(2))
    (user,) = site.rows("SELECT NAME, EXTERNAL_AUTH_ID FROM b_user WHERE ID = ?", first)
    assert (user["NAME"], user["EXTERNAL_AUTH_ID"]) == ("Анонимный пользователь", "saleanonymous")
    assert first == second


def test_status_change_increments_the_version(site, order_id):
    way = ["N", "AP", "PD", "CO", "RD", "DE", "F"]
    client = BridgeClient(site.bridge_url, API_TOKEN, 15)
    versions = [
        client.set_status(order_id, status_id=after, expected_status_id=before).version
        for before, after in itertools.pairwise(way)
    ]
    assert versions == [1, 2, 3, 4, 5, 6]
    assert client.set_status(order_id, status_id="F", expected_status_id="N").version == 6, "already there"


def test_status_conflict_returns_the_current_state(site, order_id):
    site.hit(["change", order_id, {"STATUS_ID": "PD"}])
    answer = site.call("order.status", order_id=order_id, status_id="AP", expected_status_id="N")
    assert refusal(answer) == (409, "status_conflict", "status")
    assert answer.json()["current"] == {"status_id": "PD", "version": 1}
    with pytest.raises(StatusConflictError) as conflict:
        BridgeClient(site.bridge_url, API_TOKEN, 15).set_status(order_id, status_id="AP", expected_status_id="N")
    assert (conflict.value.status_id, conflict.value.version) == ("PD", 1)


def test_only_one_of_concurrent_status_changes_succeeds(site, order_id):
    def set_status(code):
        return site.call("order.status", order_id=order_id, status_id=code, expected_status_id="N").status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(set_status, ["AP", "PD", "CO", "RD", "DE", "F", "P", "RF"]))
    assert sorted(codes) == [200] + [409] * 7
    assert site.order(order_id)["VERSION"] == 1


@pytest.mark.parametrize("code", ["ZZ", "DN", "ap", "", None, 5, ["AP"]])
def test_status_must_be_one_of_the_sites_order_statuses(site, order_id, code):
    answer = site.call("order.status", order_id=order_id, status_id=code, expected_status_id="N")
    assert refusal(answer) == (422, "status_unknown", "status")


def test_refusal_of_a_site_handler_is_returned(make_site, create_request):
    site = make_site(line_in_init=False, init="define('FAKE_VETO', 'AP');")
    order_id = site.call(**create_request).json()["order_id"]
    answer = site.call("order.status", order_id=order_id, status_id="AP", expected_status_id="N")
    assert refusal(answer) == (422, "refused", "status")
    assert "запретил" in answer.json()["error"]["message"]
    assert site.order(order_id)["VERSION"] == 0, "nothing is saved after a refused change"


def test_update_of_one_property_keeps_the_others(site, order_id):
    before = site.properties(order_id)
    row = site.order(order_id)
    assert changed(site, order_id, properties={"nameRecipient": "Дана"}) == {
        "success": True,
        "order_id": order_id,
        "version": 1,
        "repeated": False,
    }
    assert site.properties(order_id) == {**before, "nameRecipient": "Дана"}
    after = site.order(order_id)
    moving = {"VERSION", "DATE_UPDATE"}
    assert {key: value for key, value in after.items() if key not in moving} == {
        key: value for key, value in row.items() if key not in moving
    }


def test_update_with_the_same_values_is_no_change(site, order_id):
    line = site.rows("SELECT * FROM b_sale_basket")[0]
    items = [{"bitrix_basket_id": line["ID"], "bitrix_product_id": 696613, "price": "7500.0", "quantity": 1}]
    answer = changed(
        site,
        order_id,
        fields={"USER_DESCRIPTION": "Позвонить за час", "COMMENTS": None, "PRICE": "9000.00", "PRICE_DELIVERY": 1500},
        properties={"when": 18, "postcardText": "Құттықтаймын 🌹\nМама"},
        items=items,
    )
    assert answer["version"] == 0


def test_property_can_have_several_values(site, order_id):
    changed(site, order_id, properties={"extras": ["шары", "торт"]})
    assert site.properties(order_id)["extras"].startswith("a:2:")
    assert site.call("order.get", order_id=order_id).json()["order"]["properties"]["extras"] == ["шары", "торт"]
    assert changed(site, order_id, properties={"extras": ["шары", "торт"]})["version"] == 1


def test_empty_value_clears_a_property_and_an_omitted_one_does_not(site, order_id):
    changed(site, order_id, fields={"USER_DESCRIPTION": ""}, properties={"postcardText": None})
    assert site.order(order_id)["USER_DESCRIPTION"] == ""
    assert site.properties(order_id)["postcardText"] == ""


def test_update_of_items_keeps_ids_and_recomputes_the_total(site, order_id):
    line = site.rows("SELECT * FROM b_sale_basket")[0]
    items = [
        {"bitrix_basket_id": line["ID"], "bitrix_product_id": 696613, "quantity": 2, "price": 7500},
        {"bitrix_product_id": 697002, "quantity": 1, "price": 900, "base_price": 990},
    ]
    assert changed(site, order_id, items=items)["version"] == 1
    first, second = site.rows("SELECT * FROM b_sale_basket ORDER BY ID")
    assert (first["ID"], first["NAME"], first["QUANTITY"]) == (line["ID"], "Букет Стандарт", "2.0000")
    assert (second["NAME"], second["PRICE"], second["BASE_PRICE"]) == ("Открытка авторская", "900.0000", "990.0000")
    assert second["DISCOUNT_PRICE"] == "0.0000", "Bitrix marks a custom price"
    assert site.order(order_id)["PRICE"] == "17400.0000"
    assert site.rows("SELECT SUM FROM b_sale_order_payment")[0]["SUM"] == "17400.0000"
    shipped = {row["BASKET_ID"]: float(row["QUANTITY"]) for row in site.rows("SELECT * FROM b_sale_order_dlv_basket")}
    assert shipped == {first["ID"]: 2, second["ID"]: 1}

    # One item gets a lower quantity, and the other item is deleted. The bridge must remove these pieces from the
    # shipment first.
    changed(site, order_id, items=[{"bitrix_product_id": 696613, "quantity": 1, "price": 7500}])
    assert site.order(order_id)["PRICE"] == "9000.0000"
    assert [row["ID"] for row in site.rows("SELECT ID FROM b_sale_basket")] == [line["ID"]]
    assert [float(row["QUANTITY"]) for row in site.rows("SELECT QUANTITY FROM b_sale_order_dlv_basket")] == [1]


def test_delivery_price_changes_the_total(site, order_id):
    changed(site, order_id, fields={"PRICE_DELIVERY": "2000.00"})
    assert (site.order(order_id)["PRICE"], site.order(order_id)["PRICE_DELIVERY"]) == ("9500.0000", "2000.0000")
    assert site.payments(order_id)[0]["SUM"] == "9500.0000"


def test_pay_system_delivery_and_tracking_change_the_parts(site, order_id):
    changed(site, order_id, fields={"PAY_SYSTEM_ID": 3, "DELIVERY_ID": "2", "TRACKING_NUMBER": "KZ1"})
    order = site.order(order_id)
    assert (order["PAY_SYSTEM_ID"], order["DELIVERY_ID"], order["TRACKING_NUMBER"]) == (3, "2", "KZ1")
    assert site.rows("SELECT PAY_SYSTEM_NAME FROM b_sale_order_payment")[0]["PAY_SYSTEM_NAME"] == "Kaspi"
    assert (
        refusal(site.call("order.update", order_id=order_id, fields={"PAY_SYSTEM_ID": 99}))[1] == "pay_system_unknown"
    )
    assert refusal(site.call("order.update", order_id=order_id, fields={"DELIVERY_ID": 99}))[1] == "delivery_unknown"


def test_payment_and_cancellation_change_their_columns(site, order_id):
    changed(site, order_id, fields={"PAYED": "Y"})
    assert (site.order(order_id)["PAYED"], site.order(order_id)["SUM_PAID"]) == ("Y", "9000.00")
    refused = site.call("order.update", order_id=order_id, fields={"CANCELED": "Y"})
    assert refusal(refused) == (422, "cancel_refused", "cancel")
    message = refused.json()["error"]["message"]
    assert message == "Сайт не отменяет этот заказ. Ответ сайта: У заказа есть активные оплаты"
    changed(site, order_id, fields={"PAYED": "N", "CANCELED": "Y", "REASON_CANCELED": "Передумали"})
    order = site.order(order_id)
    assert (order["CANCELED"], order["REASON_CANCELED"], order["STATUS_ID"]) == ("Y", "Передумали", "N")
    changed(site, order_id, fields={"CANCELED": "N", "PRICE_DELIVERY": 0})
    order = site.order(order_id)
    assert (order["CANCELED"], order["REASON_CANCELED"], order["PRICE"]) == ("N", "", "7500.0000")


def test_warnings_of_a_save_are_returned(make_site, create_request):
    site = make_site(line_in_init=False, init="define('FAKE_WARNING', 'Свойство не сохранено');")
    assert site.call(**create_request).json()["warnings"] == [
        {"code": "marked", "message": "Сайт пометил заказ: Свойство не сохранено"}
    ]


def test_order_is_found_by_id_and_by_xml_id(site, create_request):
    order_id = site.call(xml_id="crm-5", **create_request).json()["order_id"]
    order = BridgeClient(site.bridge_url, API_TOKEN, 15).get_order(order_id)
    assert order == site.call("order.get", xml_id="crm-5").json()["order"]
    assert order["PRICE"] == "9000.0000"
    assert datetime.fromisoformat(order["DATE_INSERT"]).utcoffset() == timedelta(hours=5)
    assert order["user"] == {
        "ID": "1079",
        "ACTIVE": "Y",
        "LOGIN": "aigerim",
        "NAME": "Айгерим",
        "LAST_NAME": "",
        "SECOND_NAME": "",
        "EMAIL": "aigerim@cvety.example",
        "PERSONAL_PHONE": "8 (777) 123-45-67",
        "PERSONAL_MOBILE": "",
        "DATE_REGISTER": "2024-01-01T12:00:00+06:00",
        "TIMESTAMP_X": None,
        "XML_ID": None,
        "EXTERNAL_AUTH_ID": None,
        "IS_GUEST_ACCOUNT": "N",
    }
    assert "SEARCH_CONTENT" not in order
    assert "PASSWORD" not in str(order)


def test_list_returns_changed_orders_page_by_page(site):
    ids = [site.place_order() for _ in range(5)]
    first = site.call("order.list", limit=2).json()
    assert [row["order_id"] for row in first["orders"]] == ids[:2]
    assert first["next_after_id"] == ids[1]
    rest = site.call("order.list", after_id=ids[1], limit=3).json()
    assert [row["order_id"] for row in rest["orders"]] == ids[2:]
    assert rest["next_after_id"] is None
    site.execute("UPDATE b_sale_order SET DATE_UPDATE = '2025-08-24 12:00:00' WHERE ID = ?", ids[0])
    noon = datetime.fromisoformat("2025-08-24T12:00:00+05:00")
    assert site.call("order.list").json()["orders"][0]["date_update"] == noon.isoformat()

    def first_since(since):
        return site.call("order.list", since=since).json()["orders"][0]["order_id"]

    assert first_since("2025-08-24T07:00:00Z") == first_since("2025-08-24 12:00") == first_since("2025-08-24") == ids[0]
    assert first_since(noon.timestamp()) == first_since(1) == ids[0]
    assert first_since("2025-08-24T12:00:01") == first_since(noon.timestamp() + 1) == ids[1]
    for nonsense in ("yesterday", "2025-13-45", [1], True, 1e300):
        assert refusal(site.call("order.list", since=nonsense)) == (400, "bad_since", "request")


def test_reference_lists_can_be_infoblock_elements(make_site):
    site = make_site(line_in_init=False, init="define('CRM_BRIDGE_SHOP_IBLOCK_ID', 27);")
    lists = site.call("reference").json()
    assert {"id": 696613, "name": "Букет Стандарт"} in lists["shops"]
    assert {"id": 2, "name": "Алматы"} in lists["cities"]


def test_client_classifies_the_refusals(site):
    client = BridgeClient(site.bridge_url, API_TOKEN, 15)
    with pytest.raises(OrderNotFoundError):
        client.get_order(99)
    with pytest.raises(OrderNotFoundError):
        client.update_order(99, {"fields": {"COMMENTS": "x"}})
    with pytest.raises(PermanentDeliveryError):
        client.create_order({"items": []})
    with pytest.raises(MisconfiguredError):
        BridgeClient(site.bridge_url, "another", 15).ping()


@pytest.mark.parametrize("token", ["", "another", API_TOKEN.upper(), f"{API_TOKEN} ", f"{API_TOKEN},second"])
def test_wrong_or_missing_token_is_refused(site, create_request, token):
    answer = requests.post(
        site.bridge_url,
        json=create_request,
        headers={"X-API-TOKEN": token} if token.strip() == token else {},
        timeout=5,
    )
    assert refusal(answer) == (401, "unauthorized", "auth")
    assert site.rows("SELECT ID FROM b_sale_order") == []


def test_two_tokens_are_accepted_during_a_replacement(make_site):
    site = make_site(line_in_init=False)
    init = site.document_root / "local/php_interface/init.php"
    init.write_text(init.read_text().replace(API_TOKEN, f"{API_TOKEN}, made-up-next-token"))
    assert [site.post({"action": "ping"}, token).status_code for token in (API_TOKEN, "made-up-next-token", "x")] == [
        200,
        200,
        401,
    ]
    init.write_text(init.read_text().replace(f"{API_TOKEN}, made-up-next-token", " , "))
    assert refusal(site.post({"action": "ping"}, ","))[0] == 401
    assert refusal(site.post({"action": "ping"}, ""))[0] == 401


NOTICE = "<br />\n<b>Notice</b>: something old in <b>init.php</b><br />"


@pytest.mark.parametrize(
    "noise",
    [
        f"echo '{NOTICE}';",
        "echo $undefined['x'];",
        "ob_start(); echo '<html>';",
        "register_shutdown_function(function () { @trigger_error('late'); });",
    ],
)
def test_output_of_the_site_does_not_break_the_json(make_site, create_request, noise):
    site = make_site(line_in_init=False, init=noise)
    answer = site.call(**create_request)
    assert answer.json()["success"], answer.text
    assert answer.text.startswith('{"success":true')
    assert answer.text.endswith("}")


@pytest.mark.parametrize("end", ["echo '<html>'; die();", "throw new Exception('no database');", "undefined();"])
def test_interrupted_request_is_answered_with_json(make_site, end):
    site = make_site(line_in_init=False, init=end)
    answer = site.call("ping")
    assert refusal(answer) == (500, "internal", "internal")
    assert answer.text.startswith('{"success":false')


def test_internal_error_names_the_step(make_site, create_request):
    handler = "throw new RuntimeException('обработчик сайта упал');"
    site = make_site(
        line_in_init=False,
        init="Bitrix\\Main\\EventManager::getInstance()->addEventHandler('sale', 'OnSaleOrderSaved', "
        f"function () {{ {handler} }});",
    )
    answer = site.call(xml_id="crm-1", **create_request)
    assert refusal(answer) == (500, "internal", "save")
    assert "обработчик сайта упал" in answer.json()["error"]["message"]
    again = site.call(xml_id="crm-1", **create_request)
    assert again.json()["created"] is False, "the order was stored before the handler failed"


def test_log_has_steps_but_no_secrets_or_personal_data(site, create_request):
    site.call("order.create", xml_id="crm-1", **create_request)
    site.call("order.status", order_id=1, status_id="ZZ")
    log = site.log_path.read_text()
    assert 'order.create ["crm-1"]: 200' in log
    assert "user > order > basket > shipment > payment > properties > total > save" in log
    assert "order.status [1]: 422" in log
    assert "status_unknown" in log
    for secret in (API_TOKEN, "Әлия", "7017654321", "Абая"):
        assert secret not in log
