"""Tests of the sender of webhooks without the CRM. A test sets the responses that the sender receives."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import requests

from tests.bitrix_bridge.php.databases import MariaDatabase
from tests.bitrix_bridge.sandbox.conftest import SUCCESS

AWAY = (503, '{"status": "error", "error": "database_unavailable"}', {})
REFUSED = (400, '{"status": "error", "error": "invalid_payload", "message": "data.ID is missing"}', {})
NOWHERE = "http://127.0.0.1:1/webhooks/bitrix/order"


def test_order_is_sent_right_after_the_response(announcing, receiver):
    order_id = announcing.place_order(fields={"USER_DESCRIPTION": "Поздравить в 9:00 🌹"})
    announcing.wait_for_empty_queue()
    (body,) = receiver.bodies
    assert set(body) == {"event", "event_id", "data"}, "the token is in the header"
    assert receiver.headers[0]["Authorization"] == "Bearer made-up-webhook-token"
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert body["event"] == "order.create"
    assert uuid.UUID(body["event_id"]).version == 4
    data = body["data"]
    assert (data["ID"], data["VERSION"], data["STATUS_ID"]) == (str(order_id), "0", "N")
    assert (data["PRICE"], data["PRICE_DELIVERY"]) == ("9000.0000", "1500.0000")
    assert data["USER_DESCRIPTION"] == "Поздравить в 9:00 🌹"
    assert {code: value for code, value in data["properties"].items() if value} == {
        "name": "Мария",
        "phone": "+7 (701) 123-45-67",
        "city": "2",
        "when": "18",
        "shopId": "17008",
    }
    assert data["properties"]["addressRecipient"] == "", "all properties are sent, unset ones empty"
    assert [(row["SUM"], row["PAID"]) for row in data["payments"]] == [("9000.0000", "N")]
    assert [(line["PRODUCT_ID"], line["QUANTITY"]) for line in data["basket"]] == [("696613", "1.0000")]
    assert data["user"]["PERSONAL_PHONE"] == "8 (777) 123-45-67"
    assert not {"PASSWORD", "CHECKWORD", "OTP_SECRET"} & set(data["user"])
    for column in ("DATE_INSERT", "DATE_UPDATE", "DATE_STATUS"):
        assert datetime.fromisoformat(data[column]).utcoffset() == timedelta(hours=5)
    assert data["DATE_CANCELED"] is None
    assert data["webhook_source"] == "OnSaleOrderSaved"
    assert abs(data["webhook_timestamp"] - time.time()) < 60


def test_several_saves_in_one_hit_are_one_event(announcing, receiver):
    order_id = announcing.place_order()
    announcing.wait_for_empty_queue()
    announcing.hit(
        ["change", order_id, {"STATUS_ID": "AP"}],
        ["change", order_id, {"COMMENTS": "Позвонить"}],
        ["change", order_id, {}, {"nameRecipient": "Дана"}],
    )
    announcing.wait_for_empty_queue()
    assert receiver.seen()[1:] == [("order.update", str(order_id), "3")]
    data = receiver.bodies[1]["data"]
    assert (data["STATUS_ID"], data["COMMENTS"], data["properties"]["nameRecipient"]) == ("AP", "Позвонить", "Дана")


def test_save_without_changes_is_no_event(announcing, receiver):
    order_id = announcing.place_order()
    announcing.wait_for_empty_queue()
    announcing.hit(["change", order_id, {"STATUS_ID": "N"}, {"city": "2"}])
    assert announcing.queue() == []
    assert len(receiver.bodies) == 1


def test_deleted_order_is_one_event(announcing, receiver):
    order_id = announcing.place_order(fields={"XML_ID": "crm-it's"})
    announcing.wait_for_empty_queue()
    announcing.hit(["delete", order_id])
    announcing.wait_for_empty_queue()
    (_, body) = receiver.bodies
    assert body["event"] == "order.delete"
    assert body["data"] == {
        "ID": str(order_id),
        "XML_ID": "crm-it's",
        "webhook_timestamp": body["data"]["webhook_timestamp"],
        "webhook_source": "OnSaleOrderDeleted",
    }


def test_pending_events_of_an_order_are_sent_as_its_present_state(announcing, receiver):
    receiver.script = [AWAY]
    order_id = announcing.place_order()
    announcing.wait_for_answer()
    announcing.hit(["change", order_id, {"STATUS_ID": "AP"}], dies=True)
    announcing.hit(["change", order_id, {"STATUS_ID": "PD"}], dies=True)
    assert len(announcing.queue()) == 3
    announcing.run_agents()
    assert announcing.queue() == []
    first, second = receiver.bodies
    assert (second["event"], second["data"]["STATUS_ID"], second["data"]["VERSION"]) == ("order.create", "PD", "2")
    assert first["event_id"] != second["event_id"], "other contents are another event"


def test_retry_has_the_same_event_id(announcing, receiver):
    receiver.script = [AWAY, (502, "<html>Bad Gateway</html>", {}), (200, "<html>hello</html>", {}), (200, "{}", {})]
    announcing.place_order()
    announcing.wait_for_answer()
    for _ in range(4):
        announcing.run_agents()
    assert announcing.queue() == []
    assert [len(receiver.bodies), len({body["event_id"] for body in receiver.bodies})] == [5, 1]


def test_retry_delays_grow(announcing, receiver):
    receiver.script = [AWAY] * 8
    announcing.place_order()
    delays = []
    announcing.wait_for_answer()
    for attempt in range(1, 7):
        (row,) = announcing.queue()
        assert (row["ATTEMPTS"], row["LAST_CODE"], row["STATE"]) == (attempt, 503, "W")
        delays.append(row["NEXT_TRY_AT"] - time.time())
        announcing.hit(["agents"], crontab=True)
        assert len(receiver.bodies) == attempt, "nothing is sent before its time"
        announcing.run_agents()
    for delay, expected in zip(delays, [30, 60, 300, 900, 3600, 3600], strict=True):
        assert expected - 25 < delay <= expected + 1, "less what this machine took since"


def test_retry_after_of_the_crm_is_used(announcing, receiver):
    receiver.script = [(429, '{"status": "error"}', {"Retry-After": "120"})]
    announcing.place_order()
    announcing.wait_for_answer()
    assert 60 < announcing.queue()[0]["NEXT_TRY_AT"] - time.time() <= 121


@pytest.mark.parametrize("code", [301, 401, 403, 404, 408, 425, 429, 500, 502, 503])
def test_errors_unrelated_to_the_event_keep_it(announcing, receiver, code):
    receiver.script = [(code, "no", {"Location": receiver.url} if code == 301 else {})] * 4
    announcing.place_order()
    announcing.wait_for_answer()
    for _ in range(3):
        announcing.run_agents()
    assert [(row["STATE"], row["LAST_CODE"]) for row in announcing.queue()] == [("W", code)]

    def is_sent():
        announcing.run_agents()
        return announcing.queue() == []

    announcing.wait_until(is_sent)
    assert {body["event"] for body in receiver.bodies} == {"order.create"}, "a redirect is not followed"


def test_event_that_the_crm_refuses_is_put_aside_and_reported(announcing, receiver):
    receiver.script = [REFUSED] * 3
    order_id = announcing.place_order()
    announcing.wait_for_answer()
    for _ in range(3):
        announcing.run_agents()
    assert len(receiver.bodies) == 3
    ping = announcing.call("ping").json()
    assert (ping["queue_length"], ping["queue_failed"]) == (0, 1)
    assert ping["last_error"].startswith(f"order.create {order_id}: HTTP 400")
    assert "data.ID is missing" in ping["last_error"]

    assert announcing.hit(["call", "CvetyCrmWebhook::retryFailed"]) == [1]
    announcing.run_agents()
    assert announcing.queue() == []
    assert len(receiver.bodies) == 4


def test_later_event_of_the_order_deletes_those_put_aside(announcing, receiver):
    receiver.script = [REFUSED] * 3
    order_id = announcing.place_order()
    announcing.wait_for_answer()
    announcing.run_agents()
    announcing.run_agents()
    assert [row["STATE"] for row in announcing.queue()] == ["F"]
    announcing.hit(["change", order_id, {"STATUS_ID": "AP"}])
    announcing.wait_for_empty_queue()


def test_failure_of_one_order_does_not_delay_the_others(announcing, receiver):
    receiver.script = [(500, "a bug of the CRM", {}), SUCCESS, SUCCESS]
    ids = []
    for _ in range(3):
        ids += announcing.hit(["create", {}], dies=True)
    announcing.run_agents()
    assert [(row["ENTITY_ID"], row["STATE"]) for row in announcing.queue()] == [(ids[0], "W")]
    assert [order for _, order, _ in receiver.seen()] == [str(order) for order in ids]
    announcing.run_agents()
    assert announcing.queue() == []


def test_unavailable_crm_is_not_called_repeatedly(make_site):
    site = make_site(webhook_url=NOWHERE)
    for _ in range(3):
        site.hit(["create", {}], dies=True)
    site.run_agents()
    assert sorted(row["ATTEMPTS"] for row in site.queue()) == [0, 0, 1], "the run ends with the first timeout"
    site.place_order()
    time.sleep(0.3)
    assert sorted(row["ATTEMPTS"] for row in site.queue()) == [0, 0, 0, 1], "checkouts do not wait for the CRM"


def test_two_processes_do_not_send_the_same_row(announcing, receiver):
    receiver.delay = 0.2
    for _ in range(4):
        announcing.hit(["create", {}], dies=True)
    announcing.execute("UPDATE cvety_crm_queue SET NEXT_TRY_AT = 0")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: announcing.hit(["call", "CvetyCrmWebhook::runAgent"], crontab=True), range(6)))
    assert announcing.queue() == []
    assert set(Counter(receiver.seen()).values()) == {1}


def test_save_during_the_delivery_of_its_order_is_sent_too(announcing, receiver):
    order_id = announcing.place_order()
    announcing.wait_for_empty_queue()
    receiver.delay = 1
    with ThreadPoolExecutor(2) as pool:
        pool.submit(announcing.hit, ["change", order_id, {"STATUS_ID": "AP"}])
        announcing.wait_until(lambda: announcing.order(order_id)["STATUS_ID"] == "AP")
        pool.submit(announcing.hit, ["change", order_id, {"STATUS_ID": "PD"}])
    announcing.wait_for_empty_queue()
    assert receiver.bodies[-1]["data"]["STATUS_ID"] == "PD"
    assert len({body["event_id"] for body in receiver.bodies}) == len(receiver.bodies)


def test_second_save_of_a_long_request_is_sent_though_the_first_is_in_delivery(announcing, receiver):
    order_id = announcing.place_order()
    announcing.wait_for_empty_queue()
    receiver.delay = 2
    import_of_an_hour = (
        ["change", order_id, {"STATUS_ID": "AP"}],
        ["wait", 1500],
        ["change", order_id, {"COMMENTS": "x"}],
    )
    with ThreadPoolExecutor(1) as pool:
        pool.submit(announcing.hit, *import_of_an_hour, dies=True)
        announcing.wait_until(lambda: bool(announcing.queue()))
        announcing.hit(["call", "CvetyCrmWebhook::runAgent"], crontab=True)
    announcing.run_agents()
    assert announcing.queue() == []
    assert [body["data"]["COMMENTS"] for body in receiver.bodies[1:]] in ([None, "x"], ["", "x"])
    assert len({body["event_id"] for body in receiver.bodies}) == 3


@pytest.mark.parametrize(
    "init",
    [
        "define('FAKE_NETWORK_THROWS', true);",
        # The table exists with different columns, so every query of the sender fails.
        "Bitrix\\Main\\Application::getConnection()"
        "->queryExecute('CREATE TABLE IF NOT EXISTS cvety_crm_queue (X int)');",
    ],
)
def test_failing_sender_does_not_break_a_checkout(make_site, init):
    site = make_site(webhook_url=NOWHERE, init=init)
    order_id = site.place_order()
    assert site.order(order_id)["RUNNING"] == "N"
    time.sleep(0.1)
    assert site.hit(["change", order_id, {"STATUS_ID": "AP"}], ["user", 1079, {"NAME": "Айгерим"}]) == [1, True]
    assert site.log_path.read_text()


def test_event_survives_a_request_that_dies(announcing, receiver):
    order_id = announcing.hit(["create", {}], dies=True)[0]
    assert receiver.bodies == []
    assert len(announcing.queue()) == 1
    announcing.run_agents()
    assert receiver.seen() == [("order.create", str(order_id), "0")]


def test_event_of_an_unreadable_order_is_put_aside(announcing, receiver):
    order_id = announcing.hit(["create", {}], dies=True)[0]
    announcing.execute("DELETE FROM b_sale_order")
    for _ in range(3):
        announcing.run_agents()
    assert [(row["ENTITY_ID"], row["STATE"]) for row in announcing.queue()] == [(order_id, "F")]
    assert receiver.bodies == []
    assert "not in the database" in announcing.call("ping").json()["last_error"]


def test_only_customers_with_orders_are_sent(announcing, receiver):
    announcing.place_order()
    announcing.wait_for_empty_queue()
    announcing.hit(["user", 1079, {"NAME": "Айгерім"}], ["user", 1, {"NAME": "Редактор"}])
    announcing.wait_for_empty_queue()
    (_, body) = receiver.bodies
    assert (body["event"], body["data"]["ID"], body["data"]["NAME"]) == ("user.update", "1079", "Айгерім")
    assert body["data"]["webhook_source"] == "OnAfterUserUpdate"


def test_products_of_the_configured_infoblocks_are_sent(make_site, receiver):
    site = make_site(webhook_url=receiver.url, init="define('PYTHON_CRM_PRODUCT_IBLOCKS', '5, 27');")
    site.hit(["product", "Update", 696613, 27], ["product", "Update", 4, 99], ["product", "Delete", 7, 5])
    site.wait_for_empty_queue()
    update, delete = sorted(receiver.bodies, key=lambda body: body["event"], reverse=True)
    assert (delete["event"], delete["data"]["ID"]) == ("product.delete", "7")
    data = update["data"]
    assert (update["event"], data["NAME"], data["QUANTITY"]) == ("product.update", "Букет Стандарт", "100")
    assert data["PROPERTIES"] == {"OLD_PRICE": "8900", "COLOURS": ["red", "white"]}
    assert data["PRICES"] == [{"CATALOG_GROUP_ID": "1", "PRICE": "7500.00", "CURRENCY": "KZT"}]
    assert (data["DETAIL_PICTURE"], data["PREVIEW_PICTURE"]) == ("/upload/iblock/77.jpg", "")


def test_order_has_names_of_properties_and_properties_of_items(announcing, receiver):
    order_id = announcing.hit(["create", {}], dies=True)[0]
    announcing.execute("UPDATE b_sale_order_props_value SET VALUE = '2' WHERE CODE = 'city'")
    (line, *_) = announcing.rows("SELECT ID FROM b_sale_basket WHERE ORDER_ID = ?", order_id)
    for code, name, value, sort in (("COLOR", "Цвет", "белый", 2), ("SIZE", "Размер", "61 см", 1)):
        announcing.execute(
            "INSERT INTO b_sale_basket_props (BASKET_ID, NAME, CODE, VALUE, SORT) VALUES (?, ?, ?, ?, ?)",
            *(line["ID"], name, code, value, sort),
        )
    announcing.run_agents()
    data = receiver.bodies[-1]["data"]
    assert data["basket"][0]["PROPS"] == [
        {"NAME": "Размер", "VALUE": "61 см", "CODE": "SIZE"},
        {"NAME": "Цвет", "VALUE": "белый", "CODE": "COLOR"},
    ]
    named = {row["CODE"]: row["NAME"] for row in announcing.rows("SELECT CODE, NAME FROM b_sale_order_props")}
    filled = {code for code, value in data["properties"].items() if value}
    assert data["property_labels"] == {code: named[code] for code in filled}
    assert set(data["property_choices"]) <= filled
    assert data["property_choices"]["city"] == {"2": "Алматы"}


@pytest.mark.parametrize("value", ["0000073738", "3"])
def test_order_has_the_names_of_its_location(announcing, receiver, value):
    order_id = announcing.hit(["create", {}], dies=True)[0]
    places = [("KZ", 1, "Казахстан", 1, 6), ("0000073738", 3, "Алматы", 2, 3), ("RU", 4, "Россия", 7, 8)]
    for code, key, name, left, right in places:
        announcing.execute(
            "INSERT INTO b_sale_location (ID, CODE, LEFT_MARGIN, RIGHT_MARGIN, DEPTH_LEVEL) VALUES (?, ?, ?, ?, ?)",
            *(key, code, left, right, 1 if left == 1 else 2),
        )
        announcing.execute(
            "INSERT INTO b_sale_loc_name (LANGUAGE_ID, LOCATION_ID, NAME, NAME_UPPER) VALUES ('ru', ?, ?, ?)",
            *(key, name, name.upper()),
        )
    announcing.execute("UPDATE b_sale_order_props SET TYPE = 'LOCATION' WHERE CODE = 'city'")
    announcing.execute("UPDATE b_sale_order_props_value SET VALUE = ? WHERE CODE = 'city'", value)
    announcing.run_agents()
    data = receiver.bodies[-1]["data"]
    assert int(data["ID"]) == order_id
    assert data["property_choices"]["city"] == {value: "Казахстан, Алматы"}


def test_unusual_values_do_not_lose_an_order(announcing, receiver):
    order_id = announcing.hit(["create", {}], dies=True)[0]
    announcing.execute("UPDATE b_sale_order SET DATE_PAYED = NULL, USER_ID = 424242")
    announcing.execute("DELETE FROM b_sale_order_props_value")
    announcing.execute(
        "INSERT INTO b_sale_order_props_value"
        " (ORDER_ID, ENTITY_ID, ORDER_PROPS_ID, NAME, VALUE, CODE, ENTITY_TYPE) VALUES"
        " (?, ?, 901, 'a', 'ours', '18', 'ORDER'), (?, 7, 902, 'b', 'the shipment''s', 'city', 'SHIPMENT')",
        *[order_id] * 3,
    )
    announcing.run_agents()
    (body,) = receiver.bodies
    assert body["data"]["properties"] == {"18": "ours"}
    assert body["data"]["user"] is None


def test_invalid_utf_8_does_not_lose_an_order(announcing, receiver, shop_database):
    announcing.hit(["create", {}], dies=True)
    broken = "X'D0C32041'"
    if isinstance(shop_database, MariaDatabase):
        # The column contains bytes, as in a table that was created in a different encoding.
        announcing.execute("ALTER TABLE b_sale_order MODIFY COMMENTS BLOB")
        announcing.execute(f"UPDATE b_sale_order SET COMMENTS = {broken}")
    else:
        announcing.execute(f"UPDATE b_sale_order SET COMMENTS = CAST({broken} AS text)")
    announcing.run_agents()
    assert receiver.bodies[0]["data"]["COMMENTS"].endswith(" A")


def test_emoji_in_the_answer_of_the_crm_is_stored(announcing, receiver):
    receiver.script = [(500, '{"status": "error", "error": "упало 🌹"}', {})]
    announcing.hit(["create", {}], dies=True)
    announcing.run_agents()
    (row,) = announcing.queue()
    assert row["LAST_CODE"] == 500
    assert "упало ?" in row["LAST_ANSWER"]


# Installation


def test_including_one_line_installs_the_sender(announcing):
    announcing.hit()
    announcing.wait_until(lambda: bool(announcing.rows("SELECT * FROM b_option")))
    for _ in range(3):
        announcing.hit()
        announcing.call("ping")
    (agent,) = announcing.rows("SELECT * FROM b_agent")
    assert (agent["NAME"], agent["MODULE_ID"], agent["IS_PERIOD"], agent["AGENT_INTERVAL"]) == (
        "CvetyCrmWebhookAgent();",
        "main",
        "N",
        60,
    )
    announcing.run_agents()
    announcing.run_agents()
    assert len(announcing.rows("SELECT * FROM b_agent")) == 1, "the agent returns its own call"


def test_ping_returns_the_state_of_the_queue(announcing, receiver):
    receiver.script = [AWAY]
    announcing.hit(["create", {}], dies=True)
    announcing.execute("UPDATE cvety_crm_queue SET CREATED_AT = CREATED_AT - 600")
    announcing.run_agents()
    ping = announcing.call("ping").json()
    assert ping["webhook_installed"] is True
    assert ping["agent_installed"] is True
    assert (ping["queue_length"], ping["queue_failed"]) == (1, 0)
    assert 600 <= ping["queue_age_seconds"] < 660
    assert "HTTP 503" in ping["last_error"]
    assert datetime.fromisoformat(ping["agent_last_run"])
    assert set(ping["versions"]) == {"bridge", "sale", "main", "php"}


def test_ping_restores_a_deleted_table_and_agent(announcing):
    announcing.hit(["create", {}], dies=True)
    announcing.execute("DROP TABLE cvety_crm_queue")
    announcing.execute("UPDATE b_agent SET ACTIVE = 'N'")
    assert announcing.call("ping").json()["agent_installed"] is True
    assert announcing.queue() == []
    assert [row["ACTIVE"] for row in announcing.rows("SELECT ACTIVE FROM b_agent")] == ["Y"]


def test_next_order_creates_a_lost_table(announcing, receiver):
    announcing.call("ping")
    announcing.execute("DROP TABLE cvety_crm_queue")
    announcing.place_order()
    announcing.wait_for_empty_queue()
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize("who", ["an order", "a deleted order", "a create", "ping"])
def test_table_of_an_earlier_version_gets_its_column(announcing, receiver, create_request, who):
    order_id = announcing.place_order()
    announcing.wait_for_empty_queue()
    announcing.execute("ALTER TABLE cvety_crm_queue DROP COLUMN XML_ID")
    if who == "an order":
        announcing.place_order()
    elif who == "a deleted order":
        announcing.hit(["delete", order_id])
    elif who == "a create":
        assert announcing.call("order.create", xml_id="crm-1", **create_request).json()["created"]
    else:
        assert announcing.call("ping").json()["success"]
    announcing.wait_for_empty_queue()
    assert "XML_ID" in announcing.columns("cvety_crm_queue")
    assert len(receiver.bodies) == (1 if who == "ping" else 2)


@pytest.mark.parametrize("options", [{"line_in_init": False}, {"webhook_url": ""}, {"webhook_token": " "}])
def test_sender_without_line_address_or_token_sends_nothing(make_site, receiver, options):
    site = make_site(**{"webhook_url": receiver.url, **options})
    site.place_order()
    ping = site.call("ping").json()
    assert (ping["webhook_installed"], ping["queue_length"]) == (False, 0)
    assert receiver.bodies == []
    assert [name for name in site.tables() if name.startswith("cvety")] == []


def test_uninstall_removes_everything(announcing):
    announcing.hit(["create", {}], dies=True)
    announcing.call("ping")
    init = announcing.document_root / "local/php_interface/init.php"
    announcing.hit(["call", "CvetyCrmWebhook::uninstall"])
    init.write_text("<?php\n")
    assert announcing.rows("SELECT * FROM b_agent") == []
    assert announcing.rows("SELECT * FROM b_option") == []
    assert [name for name in announcing.tables() if name.startswith("cvety")] == []
    announcing.place_order()


def test_file_requested_directly_shows_nothing(announcing):
    answer = requests.get(f"{announcing.url}/local/cvety-crm/crm-webhook.php", timeout=30)
    assert (answer.status_code, answer.text) == (404, "")
