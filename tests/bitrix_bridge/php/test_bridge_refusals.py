"""Tests of partial refusals: the site refuses a part of a request, reports it once, and applies the rest."""

from __future__ import annotations

import pytest


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


def line(**changes):
    return {"bitrix_product_id": 696613, "quantity": 1, "price": 7500, **changes}


TEXTS = {
    "fields": {"USER_DESCRIPTION": "без лилий", "PRICE_DELIVERY": "2000.00"},
    "properties": {"addressRecipient": "Достык 5", "data": "2026-08-26"},
}


def texts(site, order_id):
    order, properties = site.order(order_id), site.properties(order_id)
    return order["USER_DESCRIPTION"], order["PRICE_DELIVERY"], properties["addressRecipient"], properties["data"]


TAKEN = ("без лилий", "2000.0000", "Достык 5", "2026-08-26")


class TestStock:
    @pytest.mark.parametrize(
        "shortage",
        [
            "UPDATE b_catalog_product SET QUANTITY = '0', QUANTITY_TRACE = 'Y', CAN_BUY_ZERO = 'N' WHERE ID = 696613",
            "UPDATE b_iblock_element SET ACTIVE = 'N' WHERE ID = 696613",
            "DELETE FROM b_iblock_element WHERE ID = 696613",
        ],
        ids=["sold out", "inactive", "deleted"],
    )
    @pytest.mark.parametrize("quantity", [2, 3])
    def test_changed_line_of_an_unavailable_product_leaves_the_catalogue(self, site, order_id, shortage, quantity):
        changed(site, order_id, items=[line(quantity=2)])
        site.execute(shortage)
        answer = changed(site, order_id, items=[line(quantity=quantity)], **TEXTS)
        (row,) = site.rows("SELECT * FROM b_sale_basket")
        assert (float(row["QUANTITY"]), row["PRICE"], row["BASE_PRICE"]) == (quantity, "7500.0000", "7500.0000")
        assert texts(site, order_id) == TAKEN
        assert "refused" not in answer
        if quantity == 2:
            assert "warnings" not in answer
            assert row["PRODUCT_PROVIDER_CLASS"], "the line has not changed"
        else:
            (warning,) = answer["warnings"]
            assert (warning["code"], warning["product_id"]) == ("out_of_catalogue", 696613)
            assert warning["message"].startswith("Товара «Букет Стандарт» сейчас нельзя продать на сайте")
            assert "Ответ сайта: " in warning["message"], "Bitrix's own text follows ours"
            assert not row["PRODUCT_PROVIDER_CLASS"]
            changed(site, order_id, items=[line(quantity=quantity + 1)])

    def test_quantity_of_a_sold_out_product_can_fall(self, site, order_id):
        changed(site, order_id, items=[line(quantity=3)])
        site.execute("UPDATE b_iblock_element SET ACTIVE = 'N' WHERE ID = 696613")
        changed(site, order_id, items=[line(quantity=1)])
        assert site.order(order_id)["PRICE"] == "9000.0000"

    def test_other_lines_keep_the_catalogue(self, site, order_id):
        changed(site, order_id, items=[line(), line(bitrix_product_id=697002, price=900)])
        site.execute("UPDATE b_iblock_element SET ACTIVE = 'N' WHERE ID = 696613")
        changed(site, order_id, items=[line(quantity=2), line(bitrix_product_id=697002, price=900, quantity=2)])
        providers = site.rows("SELECT PRODUCT_ID, PRODUCT_PROVIDER_CLASS FROM b_sale_basket ORDER BY ID")
        assert [bool(row["PRODUCT_PROVIDER_CLASS"]) for row in providers] == [False, True]


class TestShipped:
    @pytest.fixture
    def order_id(self, site, create_request):
        order_id = site.call(**create_request).json()["order_id"]
        site.hit(["ship", order_id])
        return order_id

    @pytest.mark.parametrize(
        "items",
        [[line(quantity=2)], [line(), line(bitrix_product_id=697002)], [line(bitrix_product_id=697002)]],
        ids=["more", "another one", "something else"],
    )
    def test_lines_of_a_shipped_order_are_refused_and_the_rest_is_done(self, site, order_id, items):
        request = {**TEXTS, "fields": {**TEXTS["fields"], "PRICE": "17000.00"}}
        answer = changed(site, order_id, items=items, **request)
        assert [(entry["what"], entry["code"]) for entry in answer["refused"]] == [
            ("items", "shipped"),
            ("fields.PRICE", "shipped"),
        ]
        assert texts(site, order_id) == TAKEN
        assert site.order(order_id)["PRICE"] == "9500.0000"
        assert refusal(site.call("order.update", order_id=order_id, items=items)) == (422, "shipped", "basket")

    def test_cancellation_of_a_shipped_order_is_refused(self, site, order_id):
        answer = changed(site, order_id, **{**TEXTS, "fields": {**TEXTS["fields"], "CANCELED": "Y"}})
        assert [(entry["what"], entry["code"]) for entry in answer["refused"]] == [
            ("fields.CANCELED", "cancel_refused")
        ]
        assert "отгруженные" in answer["refused"][0]["message"]
        assert (texts(site, order_id), site.order(order_id)["CANCELED"]) == (TAKEN, "N")


class TestProperties:
    def test_disallowed_value_is_refused_and_the_order_is_not_marked(self, site, order_id):
        properties = {"postcardText": "я" * 501, "when": "19:45", "nameRecipient": "Дана"}
        answer = changed(site, order_id, properties=properties)
        assert [(entry["what"], entry["code"]) for entry in answer["refused"]] == [
            ("properties.postcardText", "property_too_long"),
            ("properties.when", "property_unknown_value"),
        ]
        kept = site.properties(order_id)
        assert (kept["postcardText"], kept["when"]) == ("Құттықтаймын 🌹\nМама", "18")
        assert (kept["nameRecipient"], site.order(order_id)["MARKED"]) == ("Дана", "N")
        assert "warnings" not in changed(site, order_id, fields={"COMMENTS": "x"})
        alone = site.call("order.update", order_id=order_id, properties={"postcardText": "я" * 501})
        assert refusal(alone) == (422, "property_too_long", "properties")

    def test_create_refuses_a_disallowed_value(self, site, create_request):
        create_request["properties"] |= {"postcardText": "я" * 501, "when": "19:45"}
        first = site.call("order.create", xml_id="crm-1", **create_request).json()
        again = site.call("order.create", xml_id="crm-1", **create_request).json()
        assert (first["created"], again["created"]) == (True, False)
        assert {entry["what"] for entry in first["refused"]} == {"properties.postcardText", "properties.when"}
        assert first["refused"] == again["refused"], "the first answer may have been lost"
        assert site.order(first["order_id"])["MARKED"] == "N"

    def test_mark_by_the_site_is_a_warning(self, site, order_id):
        site.hit(["change", order_id, {}, {"when": "19:45"}])
        assert site.order(order_id)["MARKED"] == "Y"
        (warning,) = changed(site, order_id, fields={"COMMENTS": "x"})["warnings"]
        assert (warning["code"], warning["message"].split(":")[0]) == ("marked", "Сайт пометил заказ")


def test_repeated_request_returns_the_same_refusals(site, order_id):
    asked = {"event_id": "made-up-1", "properties": {"when": "19:45", "nameRecipient": "Дана", "colour": "red"}}
    first, again = (changed(site, order_id, **asked) for _ in range(2))
    assert (first["repeated"], again["repeated"], again["version"]) == (False, True, first["version"])
    assert first["refused"] == again["refused"]
    assert first["warnings"] == again["warnings"]


def test_table_of_an_earlier_version_gets_its_column(site, order_id):
    site.execute(
        "CREATE TABLE cvety_crm_done (ID VARCHAR(64) NOT NULL, ORDER_ID INT NOT NULL, VERSION INT NOT NULL,"
        " DONE_AT INT NOT NULL, PRIMARY KEY (ID))"
    )
    site.execute("INSERT INTO cvety_crm_done VALUES ('made-up-0', ?, 7, 0)", order_id)
    assert changed(site, order_id, event_id="made-up-0", fields={"COMMENTS": "x"})["version"] == 7
    assert changed(site, order_id, event_id="made-up-1", fields={"COMMENTS": "x"})["repeated"] is False
    assert changed(site, order_id, event_id="made-up-1", fields={"COMMENTS": "x"})["repeated"] is True


class TestStatusWithFields:
    def test_status_and_fields_are_one_save(self, site, order_id):
        request = {"fields": {"STATUS_ID": "AP", "COMMENTS": "x"}, "properties": {"nameRecipient": "Дана"}}
        answer = changed(site, order_id, expected_status_id="N", **request)
        order = site.order(order_id)
        assert (answer["version"], order["STATUS_ID"], order["COMMENTS"]) == (1, "AP", "x")

    def test_status_conflict_leaves_all_unchanged(self, site, order_id):
        site.hit(["change", order_id, {"STATUS_ID": "PD"}])
        fields = {"STATUS_ID": "AP", "COMMENTS": "x"}
        answer = site.call("order.update", order_id=order_id, expected_status_id="N", fields=fields)
        assert refusal(answer) == (409, "status_conflict", "status")
        assert answer.json()["current"] == {"status_id": "PD", "version": 1}
        assert site.order(order_id)["COMMENTS"] is None or site.order(order_id)["COMMENTS"] == ""
        assert changed(site, order_id, expected_status_id="CO", fields={"STATUS_ID": "PD", "COMMENTS": "x"})

    def test_refused_status_does_not_stop_the_other_fields(self, make_site, create_request):
        site = make_site(line_in_init=False, init="define('FAKE_VETO', 'AP');")
        order_id = site.call(**create_request).json()["order_id"]
        answer = changed(site, order_id, expected_status_id="N", fields={"STATUS_ID": "AP", "COMMENTS": "x"})
        assert [(entry["what"], entry["code"]) for entry in answer["refused"]] == [("fields.STATUS_ID", "refused")]
        order = site.order(order_id)
        assert (order["STATUS_ID"], order["COMMENTS"]) == ("N", "x")


def test_overlapping_save_of_the_site_lowers_the_version(site, order_id):
    late = ["set", "slow", {"COMMENTS": "с сайта"}], ["save", "slow"]
    with site.held(["load", "slow", order_id], ["hold_until_resumed"], *late) as slow:
        versions = [changed(site, order_id, fields={"USER_DESCRIPTION": text})["version"] for text in ("x", "y")]
    slow.result()
    row = site.order(order_id)
    assert (versions, row["VERSION"]) == ([1, 2], 1)
    assert (row["USER_DESCRIPTION"], row["COMMENTS"]) == ("y", "с сайта"), "each process writes its own changes"
    assert changed(site, order_id, fields={"USER_DESCRIPTION": "z"})["version"] == 2
