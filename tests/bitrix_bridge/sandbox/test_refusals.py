"""Tests of partial refusals, of values that a property does not allow, and of a status among the changes."""

from __future__ import annotations

import pytest

from bitrix_bridge.sandbox import Sandbox


@pytest.fixture
def site(sandbox):
    return sandbox.site


def refused(answer):
    return [(one["what"], one["code"]) for one in answer.get("refused", ())]


def codes(answer):
    return [one["code"] for one in answer.get("warnings", ())]


class TestPartialRefusals:
    def test_update_reports_refused_parts_and_saves_the_rest_once(self, site, order, update):
        site.update_order(int(order["ID"]), {"PAYED": "Y"})
        site.define_property("postcardText", longest=20)
        answer, after = update(
            fields={
                "CANCELED": "Y",
                "REASON_CANCELED": "Передумали",
                "PAY_SYSTEM_ID": 3,
                "STATUS_ID": "AP",
                "COMMENTS": "домофон 7",
                "DELIVERY_ID": 77,
                "PRICE": 8000,
                "DISCOUNT_VALUE": 1000,
            },
            properties={"postcardText": "С днём рождения, мама!", "nameRecipient": "Дана"},
            items=[{"bitrix_basket_id": 1, "quantity": 1, "price": 1}],
        )
        assert refused(answer) == [
            ("properties.postcardText", "property_too_long"),
            ("fields.DELIVERY_ID", "delivery_unknown"),
            ("items", "basket_unknown"),
            ("fields.PRICE", "basket_unknown"),
            ("fields.DISCOUNT_VALUE", "basket_unknown"),
            ("fields.PAY_SYSTEM_ID", "payment_paid"),
            ("fields.CANCELED", "cancel_refused"),
            ("fields.REASON_CANCELED", "cancel_refused"),
        ]
        assert all(one["message"] and one["step"] for one in answer["refused"])
        assert (after["STATUS_ID"], after["COMMENTS"]) == ("AP", "домофон 7")
        assert after["properties"]["nameRecipient"] == "Дана"
        assert (after["PRICE"], after["CANCELED"], after["MARKED"]) == ("9000.0000", "N", "N")
        assert site.saves[int(order["ID"])] == 3

    def test_update_fails_with_the_first_refusal_if_all_parts_are_refused(self, site, order, call_bridge):
        site.update_order(int(order["ID"]), {"PAYED": "Y"})
        answer = call_bridge("order.update", order_id=order["ID"], fields={"PAY_SYSTEM_ID": 99, "CANCELED": "Y"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "pay_system_unknown")
        assert site.writes == 0

    def test_unchanged_values_are_not_refused(self, order, update):
        answer, after = update(fields={"PAY_SYSTEM_ID": 99, "COMMENTS": ""})
        assert refused(answer) == [("fields.PAY_SYSTEM_ID", "pay_system_unknown")]
        assert after["VERSION"] == "0"

    def test_repeated_request_returns_the_same_refusals_and_warnings(self, update):
        changes = {"fields": {"PAY_SYSTEM_ID": 99, "COMMENTS": "x"}, "properties": {"colour": "red"}}
        first, _ = update(event_id="made-up-1", **changes)
        again, after = update(event_id="made-up-1", **changes)
        assert again == {**first, "repeated": True}
        assert refused(again)
        assert codes(again) == ["no_property"]
        assert after["VERSION"] == "1"

    def test_unreadable_value_refuses_the_whole_request(self, order, call_bridge):
        for wrong in ({"VERSION": 3}, {"STATUS_ID": "ZZ"}, {"PAYED": "maybe"}, {"USER_DESCRIPTION": "x" * 2001}):
            answer = call_bridge("order.update", order_id=order["ID"], fields={"COMMENTS": "x", **wrong})
            assert answer.status_code == 422


class TestProperties:
    def test_order_has_all_property_codes_with_unset_ones_empty(self, site, order):
        assert order["properties"]["isSurprise"] == ""
        assert "colour" not in order["properties"]
        site.define_property("colour")
        assert site.order(int(order["ID"]))["properties"]["colour"] == ""

    def test_unknown_property_is_a_warning(self, order, update):
        answer, after = update(properties={"colour": "red", "smell": ""})
        (warning,) = answer["warnings"]
        assert (warning["code"], warning["property"]) == ("no_property", "colour")
        assert after == order

    @pytest.mark.parametrize(
        ("code", "value", "reason"),
        [
            ("addressRecipient", "я" * 501, "property_too_long"),
            ("postcardText", "я" * 101, "property_too_long"),
            ("city", "77", "property_unknown_value"),
            ("extras", ["ваза", "слон"], "property_unknown_value"),
        ],
    )
    def test_disallowed_value_is_refused_and_the_order_is_not_marked(
        self, site, order, update, call_bridge, create_request, code, value, reason
    ):
        site.define_property("postcardText", longest=100)
        site.define_property("city", variants=["1", "2"])
        site.define_property("extras", variants=["ваза", "лента"])
        answer, after = update(properties={code: value, "nameRecipient": "Дана"})
        assert refused(answer) == [(f"properties.{code}", reason)]
        assert codes(answer) == []
        before = site._find(int(order["ID"]))["properties"].get(code, "")
        assert (after["properties"][code], after["MARKED"]) == (before, "N")
        create_request["properties"][code] = value
        made = call_bridge("order.create", xml_id="crm-1", **create_request).json()
        assert refused(made) == [(f"properties.{code}", reason)]
        assert made["created"]
        again = call_bridge("order.create", xml_id="crm-1", **create_request).json()
        assert again == {**made, "created": False}

    def test_sites_own_form_marks_the_order_and_later_saves_warn(self, site, order, update, call_bridge):
        site.define_property("city", variants=["1", "2"])
        marked = site.update_order(int(order["ID"]), properties={"city": "77", "addressRecipient": "я" * 501})
        assert (marked["MARKED"], "500" in marked["REASON_MARKED"]) == ("Y", True)
        assert marked["properties"]["city"] == "77", "stored, though not among the variants"
        assert marked["properties"]["addressRecipient"] == "пр. Абая, 10", "longer than the column: not stored"
        for number in (1, 2):
            answer, _ = update(fields={"COMMENTS": f"{number}"})
            (warning,) = answer["warnings"]
            assert (warning["code"], "500" in warning["message"]) == ("marked", True)
        status = call_bridge("order.status", order_id=order["ID"], status_id="AP", expected_status_id="N").json()
        assert codes(status) == ["marked"]
        answer, _ = update(fields={"COMMENTS": "2"})
        assert codes(answer) == [], "nothing was saved"
        answer, after = update(fields={"MARKED": "N"})
        assert (codes(answer), after["MARKED"], after["REASON_MARKED"]) == ([], "N", "")


class TestStatusAmongTheChanges:
    def test_status_and_other_changes_are_one_save(self, site, sandbox, order, update):
        answer, after = update(fields={"STATUS_ID": "AP", "COMMENTS": "x"}, expected_status_id="N")
        assert (after["STATUS_ID"], after["COMMENTS"], answer["version"]) == ("AP", "x", 1)
        assert site.saves[int(order["ID"])] == 2
        assert len(sandbox.sender.events) == 2

    def test_status_conflict_refuses_all_changes(self, site, order, call_bridge):
        site.change_status(int(order["ID"]), "PD")
        fields = {"STATUS_ID": "AP", "COMMENTS": "x"}
        answer = call_bridge("order.update", order_id=order["ID"], fields=fields, expected_status_id="N")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "status_conflict")
        assert answer.json()["current"] == {"status_id": "PD", "version": 1}
        assert site.order(int(order["ID"]))["COMMENTS"] == ""

    def test_present_status_is_no_conflict(self, site, order, update):
        site.change_status(int(order["ID"]), "AP")
        answer, after = update(fields={"STATUS_ID": "AP", "COMMENTS": "x"}, expected_status_id="N")
        assert (answer["version"], after["COMMENTS"]) == (2, "x")

    def test_repeated_request_succeeds_though_the_status_has_changed(self, site, order, update):
        changes = {"fields": {"STATUS_ID": "AP"}, "expected_status_id": "N", "event_id": "made-up-1"}
        update(**changes)
        site.change_status(int(order["ID"]), "PD")
        answer, after = update(**changes)
        assert (answer["repeated"], answer["version"], after["STATUS_ID"]) == (True, 1, "PD")


class TestPreviousBridge:
    """Tests of bridge 1.1. Its updates compare no status, and its warnings are strings.

    One refused part refuses the whole request.
    """

    @pytest.fixture
    def sandbox(self):
        with Sandbox(api_token="not-a-real-token", bridge_version="1.1") as running:
            yield running

    def test_ping_returns_the_version(self, call_bridge):
        assert call_bridge("ping").json()["versions"]["bridge"] == "1.1"

    def test_documents_and_lists_have_no_new_keys(self, sandbox, order, call_bridge):
        assert not {"payments", "checksum"} & set(order)
        assert not {"payments", "checksum"} & set(sandbox.sender.events[0].data)
        sandbox.site.archive_order(int(order["ID"]))
        sandbox.place_order()
        (row,) = call_bridge("order.list", archived=True).json()["orders"]
        assert "checksum" not in row
        assert "archived" not in row

    def test_status_is_set_without_comparison(self, site, order, update):
        site.change_status(int(order["ID"]), "PD")
        _, after = update(fields={"STATUS_ID": "AP"}, expected_status_id="N")
        assert after["STATUS_ID"] == "AP"

    def test_one_refused_part_refuses_the_whole_request(self, order, update):
        answer, after = update(fields={"COMMENTS": "x", "PAY_SYSTEM_ID": 99})
        assert (answer["error"]["code"], after) == ("pay_system_unknown", order)

    def test_warnings_are_texts(self, update):
        answer, _ = update(properties={"colour": "red", "nameRecipient": "Дана"})
        assert [type(one) for one in answer["warnings"]] == [str]
