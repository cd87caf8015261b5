"""Tests of orders in the formats of webhooks, the bridge and REST."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from bitrix_bridge.payloads import PayloadError, object_id, read_order, read_status_change
from bitrix_bridge.payloads.dates import ALMATY
from orders.sync.snapshot import ItemSnapshot, Problem
from orders.sync.snapshot import ProblemReason as Reason
from tests.bitrix_bridge.payloads.samples import full_order, order

CRM_ID = UUID("0b9f1c9e-2f0a-4c5e-9a55-0d9d3c8a1f42")


def problems(snapshot):
    return {problem.field: problem.reason for problem in snapshot.problems}


def test_smallest_order_is_read():
    snapshot = read_order(order())
    assert snapshot.bitrix_order_id == 122183
    assert snapshot.fields == {
        "order_number": "122183",
        "status": "N",
        "payment_status": "pending",
        "contact_phone": "+77011234567",
        "recipient_name": "Айгуль",
        "city": 2,
        "delivery_slot": "18",
        "delivery_date": date(2025, 8, 25),
        "shop": 17008,
        "postcard_text": "🌹 С днём рождения, әже!",
    }
    assert snapshot.items == (
        ItemSnapshot(
            bitrix_basket_id=None,
            bitrix_product_id=696613,
            quantity=Decimal("1.000"),
            price=Decimal("7500.00"),
            product_snapshot={"name": "Букет Стандарт", "currency": "KZT"},
        ),
    )
    assert snapshot.customer.fields == {"phone": "+77011234567"}
    assert snapshot.metadata == {"properties": {"phone": "+77011234567"}}
    assert snapshot.problems == ()
    assert not snapshot.is_partial
    assert (snapshot.version, snapshot.updated_at, snapshot.announced_at, snapshot.created_at) == (None,) * 4


def test_every_column_of_full_order_is_read():
    snapshot = read_order(full_order(), pay_systems={3: "kaspi"})
    assert snapshot.problems == ()
    assert snapshot.fields == {
        "order_number": "122183/1",
        "bitrix_user_id": 1079,
        "status": "AP",
        "recipient_name": "Айгуль",
        "recipient_phone": "+77027654321",
        "delivery_address": "Абая 10, кв. 5",
        "delivery_date": date(2025, 8, 25),
        "delivery_slot": "15:00-16:00",
        "city": 2,
        "shop": 17008,
        "postcard_text": "🌹 Құттықтаймыз!",
        "comment": "Позвонить за час",
        "courier_comment": "Домофон не работает",
        "total_amount": Decimal("9000.00"),
        "delivery_fee": Decimal("1500.00"),
        "discount_amount": Decimal("500.00"),
        "paid_amount": Decimal("9000.00"),
        "currency": "KZT",
        "payment_method": "kaspi",
        "payment_status": "paid",
        "is_cancelled": False,
        "is_pickup": False,
        "is_anonymous": True,
        "is_surprise": False,
    }
    assert snapshot.version == 7
    assert snapshot.updated_at == datetime(2025, 8, 24, 10, 0, 2, tzinfo=ALMATY)
    assert snapshot.created_at == datetime(2025, 8, 24, 9, 58, 11, tzinfo=ALMATY)
    assert snapshot.announced_at == datetime.fromtimestamp(1756011603, UTC)
    assert snapshot.customer.bitrix_user_id == 1079
    assert snapshot.customer.fields == {"name": "Асель Нурланова", "phone": "+77011234567", "email": "assel@mail.kz"}
    assert snapshot.items[0].bitrix_basket_id == 5501
    assert snapshot.items[0].product_snapshot == {
        "name": 'Букет "Стандарт"',
        "currency": "KZT",
        "original_price": "8000.00",
        "discount": "500.00",
        "xml_id": "st-1",
        "url": "/catalog/standart/",
        "fields": {"WEIGHT": "0.00"},
    }
    assert snapshot.metadata == {
        "fields": {
            "LID": "s1",
            "DATE_PAYED": "2025-08-24 10:00:00",
            "DATE_CANCELED": "",
            "REASON_CANCELED": None,
            "PAY_SYSTEM_ID": "3",
            "DELIVERY_ID": "1",
            "DISCOUNT_VALUE": "500.0000",
            "DATE_STATUS": "2025-08-24 10:00:01",
            "XML_ID": "bx_68aa",
            "RESPONSIBLE_ID": "12",
            "webhook_source": "site",
        },
        # The flags of the order are also kept under the property codes of the site, because a later change of a flag is
        # sent under the same code.
        "properties": {"howFound": "Instagram", "iWillGet": "N", "isAnonymous": "Y", "doNotCall": "N"},
    }


def test_order_from_rest_is_read_equally():
    rest = {
        "id": 122183,
        "accountNumber": "122183",
        "statusId": "AP",
        "payed": "N",
        "canceled": "Y",
        "price": 9000,
        "currency": "KZT",
        "userId": "1079",
        "dateUpdate": "2025-08-24T08:00:02+03:00",
        "version": 7,
        "id1c": None,
        "propertyValues": [
            {"id": 1, "orderPropsId": 20, "name": "Дата", "code": "data", "value": "2025-08-25"},
            {"id": 2, "orderPropsId": 21, "name": "Город", "code": "city", "value": "2"},
            {"id": 3, "orderPropsId": 22, "name": "Без кода", "code": "", "value": "x"},
        ],
        "basketItems": [
            {"id": "5501", "productId": "696613", "name": "Букет", "price": 7500, "quantity": 1, "basePrice": 8000}
        ],
        "payments": [{"id": 1, "paySystemId": 3, "paid": "N"}],
    }
    snapshot = read_order(rest, pay_systems={3: "kaspi"})
    assert snapshot.problems == ()
    assert snapshot.fields == {
        "order_number": "122183",
        "bitrix_user_id": 1079,
        "status": "AP",
        "payment_status": "pending",
        "payment_method": "kaspi",
        "is_cancelled": True,
        "total_amount": Decimal("9000.00"),
        "discount_amount": Decimal("500.00"),
        "currency": "KZT",
        "delivery_date": date(2025, 8, 25),
        "city": 2,
    }
    assert snapshot.version == 7
    assert snapshot.updated_at == datetime(2025, 8, 24, 5, 0, 2, tzinfo=UTC)
    assert snapshot.items[0].product_snapshot["original_price"] == "8000.00"
    assert snapshot.metadata == {
        "fields": {"ID_1C": None},
        "properties": {"#22": "x"},
        "labels": {"#22": "Без кода"},
        "payments": rest["payments"],
    }


def basket_line(price, base, quantity="1.0000", **more):
    prices = {"PRICE": price, "BASE_PRICE": base, "QUANTITY": quantity}
    return {
        "PRODUCT_ID": "5",
        "NAME": "Букет",
        **{name: value for name, value in prices.items() if value is not ...},
    } | more


@pytest.mark.parametrize(
    ("basket", "discount"),
    [
        pytest.param([basket_line("6000.0000", "7500.0000")], "1500.00", id="a custom price"),
        pytest.param([basket_line("6000", "7500", "2"), basket_line("500", "500")], "3000.00", id="two pieces"),
        pytest.param(
            [basket_line("8000", "7500"), basket_line("400", "500")], "100.00", id="raised price is no discount"
        ),
        pytest.param([basket_line("7500", "7500")], "0.00", id="no discount"),
        pytest.param([basket_line("0", "0"), basket_line("400", "500")], "100.00", id="with a gift"),
        pytest.param([basket_line("3.33", "10.00", "0.333")], "2.22", id="fractional quantity"),
        pytest.param([basket_line("6000", ...)], "777.00", id="no list price"),
        pytest.param([basket_line("6000", "7500"), basket_line("500", "")], "777.00", id="one empty list price"),
        pytest.param([basket_line("6000", "0.0000")], "777.00", id="list price of zero"),
        pytest.param([basket_line("0.01", "0.0000")], "777.00", id="list price of zero, small price"),
        pytest.param([basket_line("дорого", "7500")], "777.00", id="an unreadable price"),
        pytest.param([basket_line("6000", "7500", "много")], "777.00", id="an unreadable quantity"),
        pytest.param([basket_line("6000", "7500"), "букет"], "777.00", id="an unreadable line"),
        pytest.param([basket_line("1", "9999999999", "9999999")], "777.00", id="sum out of range"),
        pytest.param([], "777.00", id="no lines"),
        pytest.param(
            [basket_line("6000", "7500", TYPE="1", SET_PARENT_ID="9"), basket_line("10", ..., SET_PARENT_ID="9")],
            "1500.00",
            id="parts of a set have no say",
        ),
    ],
)
def test_discount_is_read_from_the_lines(basket, discount):
    snapshot = read_order(order(basket=basket, DISCOUNT_VALUE="777.0000"))
    assert snapshot.fields["discount_amount"] == Decimal(discount)
    kept = snapshot.metadata.get("fields", {})
    assert kept.get("DISCOUNT_VALUE") == (None if discount == "777.00" else "777.0000")


def test_discount_from_rest_is_read_from_the_lines():
    line = {"id": "5501", "productId": "5", "name": "Букет", "price": 6000, "quantity": 2}
    said = read_order({"id": 1, "discountValue": 777, "basketItems": [{**line, "basePrice": 7500}]})
    assert said.fields["discount_amount"] == 3000
    assert said.metadata == {"fields": {"DISCOUNT_VALUE": 777}}
    assert read_order({"id": 1, "discountValue": 777, "basketItems": [line]}).fields["discount_amount"] == 777


@pytest.mark.parametrize(
    "properties",
    [
        {"city": "2", "data": "2025-08-25", "own": "x"},
        {"CITY": "2", "Data": "25.08.2025", "own": "x"},
        {
            "city": {"CODE": "city", "VALUE": "2"},
            "data": {"VALUE": "2025-08-25"},
            "own": {"VALUE": "x", "NAME": "Своё"},
        },
        {"5": {"CODE": "city", "VALUE": ["2"]}, "7": {"CODE": "data", "VALUE": ["2025-08-25"]}, "own": "x"},
        [{"CODE": "city", "VALUE": "2"}, {"CODE": "data", "VALUE": "2025-08-25"}, {"CODE": "own", "VALUE": "x"}],
        [{"code": "city", "value": 2}, {"code": "data", "value": "2025-08-25"}, {"code": "own", "value": "x"}],
        {"city": ["", "2"], "data": {"0": "2025-08-25"}, "own": "x"},
        [
            {"CODE": "city", "VALUE": ""},
            {"CODE": "city", "VALUE": "2"},
            {"CODE": "data", "VALUE": "2025-08-25"},
            {"CODE": "own", "VALUE": "x"},
        ],
        {"city": [{"VALUE": "2"}], "data": "2025-08-25", "own": "x"},
    ],
    ids=["plain", "case", "objects", "keyed by id", "list", "REST", "lists and gaps", "code sent twice", "wrapped"],
)
def test_properties_are_read_in_each_format(properties):
    snapshot = read_order({"ID": 1, "properties": properties})
    assert snapshot.fields == {"order_number": "1", "city": 2, "delivery_date": date(2025, 8, 25)}
    assert snapshot.metadata["properties"] == {"own": "x"}
    assert snapshot.problems == ()


@pytest.mark.parametrize(
    "data",
    [
        {"properties": {"own": {"VALUE": "k", "NAME": "Своё", "VALUE_NAME": "Крафт"}}},
        {"properties": [{"CODE": "own", "VALUE": "k", "NAME": " Своё ", "VARIANT_NAME": "Крафт"}]},
        {"propertyValues": [{"code": "own", "value": ["k"], "name": "Своё", "valueEnum": ["Крафт"]}]},
        {
            "properties": {"own": "k", "city": "2", "empty": ""},
            "property_labels": {"own": "Своё", "city": "Город", "empty": "Пустое", "other": "Не в заказе"},
            "property_choices": {"own": {"k": "Крафт"}, "other": {"a": "б"}},
        },
    ],
)
def test_names_of_kept_properties_and_of_their_values_are_kept(data):
    metadata = read_order({"ID": 1, **data}).metadata
    assert (metadata["labels"], metadata["choices"]) == ({"own": "Своё"}, {"own": {"k": "Крафт"}})
    assert set(metadata) == {"properties", "labels", "choices"}


@pytest.mark.parametrize("raw", [None, "", [], "x", 7, ["a"], {"own": None}, {"own": ["x"]}, {"own": {}}])
def test_unreadable_names_of_properties_are_left_out(raw):
    snapshot = read_order({"ID": 1, "properties": {"own": "x"}, "property_labels": raw, "property_choices": raw})
    assert (snapshot.metadata, snapshot.problems) == ({"properties": {"own": "x"}}, ())


@pytest.mark.parametrize("properties", [[], {}, None, "", False])
def test_missing_properties_change_no_field(properties):
    snapshot = read_order({"ID": 1, "properties": properties})
    assert snapshot.fields == {"order_number": "1"}
    assert snapshot.problems == ()


def test_invalid_properties_are_kept_with_a_problem():
    snapshot = read_order({"ID": 1, "properties": "city=2"})
    assert problems(snapshot) == {"properties": Reason.NOT_AN_OBJECT}
    assert snapshot.metadata == {"fields": {"properties": "city=2"}}
    snapshot = read_order({"ID": 1, "properties": ["x", {"CODE": "city", "VALUE": "2"}, 5]})
    assert problems(snapshot) == {"properties[0]": Reason.NOT_AN_OBJECT, "properties[2]": Reason.NOT_AN_OBJECT}
    assert snapshot.metadata == {"fields": {"properties[0]": "x", "properties[2]": 5}}
    assert snapshot.fields["city"] == 2


def test_properties_are_read_from_both_places():
    snapshot = read_order(
        {
            "ID": 1,
            "properties": ["x", {"CODE": "city", "VALUE": "2"}, {"CODE": "own", "VALUE": "a"}],
            "propertyValues": [{"code": "data", "value": "2025-08-25"}, {"code": "other", "value": "b"}, 5],
        }
    )
    assert snapshot.fields == {"order_number": "1", "city": 2, "delivery_date": date(2025, 8, 25)}
    assert snapshot.metadata == {
        "fields": {"properties[0]": "x", "propertyValues[2]": 5},
        "properties": {"own": "a", "other": "b"},
    }
    assert problems(snapshot) == {"properties[0]": Reason.NOT_AN_OBJECT, "propertyValues[2]": Reason.NOT_AN_OBJECT}


def test_properties_in_one_place_are_read_when_other_is_invalid():
    snapshot = read_order({"ID": 1, "properties": "x", "propertyValues": [{"code": "city", "value": "2"}]})
    assert snapshot.fields["city"] == 2
    assert snapshot.problems == (Problem("properties", "x", Reason.NOT_AN_OBJECT),)
    assert snapshot.readable["fields"] == {"propertyValues"}


def test_property_with_several_values_is_read():
    snapshot = read_order(
        {
            "ID": 1,
            "properties": {
                "addressRecipient": ["Абая 10", "", "кв. 5"],
                "phoneRecipient": ["87011234567", "87027654321"],
                "when": ["18", "19"],
                "iWillGet": ["Y"],
            },
        }
    )
    assert snapshot.fields["delivery_address"] == "Абая 10, кв. 5"
    assert snapshot.fields["recipient_phone"] == "+77011234567"
    assert snapshot.fields["delivery_slot"] == "18"
    assert snapshot.fields["is_pickup"] is True
    assert snapshot.metadata["properties"] == {
        "phoneRecipient": ["87011234567", "87027654321"],
        "when": ["18", "19"],
        "iWillGet": ["Y"],
    }


def test_code_sent_twice_keeps_both_values():
    snapshot = read_order({"ID": 1, "properties": {"city": "2", "CITY": "3", "own": "a", "OWN": "b"}})
    assert snapshot.fields["city"] == 2
    assert snapshot.metadata["properties"] == {"CITY": "3", "own": "a", "OWN": "b"}


def test_absent_column_differs_from_empty_one():
    assert read_order({"ID": 1}).fields == {"order_number": "1"}
    empty = ("nameRecipient", "phoneRecipient", "addressRecipient", "data", "when", "city", "shopId", "postcardText")
    snapshot = read_order(
        {
            "ID": 1,
            "USER_DESCRIPTION": None,
            "COMMENTS": "",
            "USER_ID": "0",
            "STATUS_ID": "",
            "PRICE": "",
            "SUM_PAID": None,
            "CURRENCY": "",
            "CANCELED": "",
            "PAYED": None,
            "DATE_UPDATE": {},
            "VERSION": "",
            "properties": dict.fromkeys(empty, "") | {"pickup": "", "isSurprise": None},
        }
    )
    assert snapshot.fields == {
        "order_number": "1",
        "comment": "",
        "courier_comment": "",
        "bitrix_user_id": None,
        "is_cancelled": False,
        "payment_status": "pending",
        "recipient_name": "",
        "recipient_phone": "",
        "delivery_address": "",
        "delivery_date": None,
        "delivery_slot": None,
        "city": None,
        "shop": None,
        "postcard_text": "",
        "is_pickup": False,
        "is_surprise": False,
    }
    assert snapshot.problems == ()
    assert snapshot.customer is None


@pytest.mark.parametrize(
    ("name", "column", "raw", "reason"),
    [
        ("PRICE", "total_amount", "дорого", Reason.NOT_A_NUMBER),
        ("PRICE_DELIVERY", "delivery_fee", 1e300, Reason.OUT_OF_RANGE),
        ("DISCOUNT_VALUE", "discount_amount", {}, Reason.NOT_A_NUMBER),
        ("SUM_PAID", "paid_amount", True, Reason.NOT_A_NUMBER),
        ("CURRENCY", "currency", "тенге", Reason.OUT_OF_RANGE),
        ("STATUS_ID", "status", {"ID": "N"}, Reason.NOT_TEXT),
        ("CANCELED", "is_cancelled", "maybe", Reason.NOT_A_FLAG),
        ("PAYED", "payment_status", "maybe", Reason.NOT_A_FLAG),
        ("USER_ID", "bitrix_user_id", "admin", Reason.NOT_A_NUMBER),
        ("USER_DESCRIPTION", "comment", {"a": 1}, Reason.NOT_TEXT),
        ("VERSION", "-", -1, Reason.OUT_OF_RANGE),
        ("DATE_UPDATE", "-", "вчера", Reason.NOT_A_DATE),
        ("DATE_INSERT", "-", "1970-01-01", Reason.OUT_OF_RANGE),
        ("DATE_STATUS", "-", "04/05/2025", Reason.NOT_A_DATE),
        ("PAY_SYSTEM_ID", "payment_method", "kaspi", Reason.NOT_A_NUMBER),
        ("user", "-", "Асель", Reason.NOT_AN_OBJECT),
        ("basket", "-", "букет", Reason.NOT_AN_OBJECT),
    ],
)
def test_unreadable_column_is_kept_with_a_problem(name, column, raw, reason):
    snapshot = read_order({"ID": 1, name: raw})
    assert snapshot.problems == (Problem(name, raw, reason),)
    assert snapshot.metadata == {"fields": {name: raw}}
    assert column not in snapshot.fields


@pytest.mark.parametrize(
    ("code", "column", "raw", "reason"),
    [
        ("data", "delivery_date", "завтра", Reason.NOT_A_DATE),
        ("data", "delivery_date", {}, Reason.NOT_A_DATE),
        ("when", "delivery_slot", {"a": 1}, Reason.NOT_A_NUMBER),
        ("city", "city", "Алматы", Reason.NOT_A_NUMBER),
        ("shopId", "shop", 2**63, Reason.OUT_OF_RANGE),
        ("nameRecipient", "recipient_name", {"a": 1}, Reason.NOT_TEXT),
        ("isAnonymous", "is_anonymous", "не знаю", Reason.NOT_A_FLAG),
        ("addressRecipient", "delivery_address", {"a": 1}, Reason.NOT_TEXT),
        ("postcardText", "postcard_text", {"a": 1}, Reason.NOT_TEXT),
        ("phoneRecipient", "recipient_phone", {"a": 1}, Reason.NOT_TEXT),
        ("city", "city", ["Алматы"], Reason.NOT_A_NUMBER),
        ("when", "delivery_slot", ["", {"a": 1}], Reason.NOT_A_NUMBER),
        ("data", "delivery_date", ["завтра", "25.08.2025"], Reason.NOT_A_DATE),
    ],
)
def test_unreadable_property_is_kept_with_a_problem(code, column, raw, reason):
    snapshot = read_order({"ID": 1, "properties": {code: raw}})
    assert snapshot.problems == (Problem(f"properties.{code}", raw, reason),)
    assert snapshot.metadata == {"properties": {code: raw}}
    assert column not in snapshot.fields


@pytest.mark.parametrize("raw", [[], [""], [None, ""], {"0": ""}])
def test_property_with_only_empty_values_is_empty(raw):
    snapshot = read_order({"ID": 1, "properties": dict.fromkeys(("city", "data", "when", "shopId", "pickup"), raw)})
    assert snapshot.fields == {
        "order_number": "1",
        "city": None,
        "delivery_date": None,
        "delivery_slot": None,
        "shop": None,
        "is_pickup": False,
    }
    assert snapshot.problems == ()


@pytest.mark.parametrize(
    ("part", "name", "column"),
    [
        ("fields", "USER_DESCRIPTION", "comment"),
        ("fields", "COMMENTS", "courier_comment"),
        ("properties", "addressRecipient", "delivery_address"),
        ("properties", "postcardText", "postcard_text"),
    ],
)
def test_text_is_never_cut(part, name, column):
    value = {name: "я" * 20_000}
    snapshot = read_order({"ID": 1, **(value if part == "fields" else {"properties": value})})
    assert (snapshot.fields[column], snapshot.problems, snapshot.metadata) == ("я" * 20_000, (), {})


def test_number_longer_than_its_column_is_unreadable_and_kept():
    snapshot = read_order({"ID": 1, "ACCOUNT_NUMBER": "1" * 300, "properties": {"nameRecipient": "А" * 300}})
    assert snapshot.fields["recipient_name"] == "А" * 300
    assert snapshot.fields["order_number"] == "1"
    assert snapshot.unread == {"order_number": "1" * 300}
    assert problems(snapshot) == {"ACCOUNT_NUMBER": Reason.TOO_LONG}


@pytest.mark.parametrize(
    ("part", "name", "column"),
    [
        ("fields", "USER_DESCRIPTION", "comment"),
        ("fields", "COMMENTS", "courier_comment"),
        ("properties", "addressRecipient", "delivery_address"),
        ("properties", "postcardText", "postcard_text"),
    ],
)
def test_br_tag_is_read_as_line_break(part, name, column):
    value = {name: "раз<br />\nдва<br>три\r\nчетыре"}
    snapshot = read_order({"ID": 1, **(value if part == "fields" else {"properties": value})})
    assert snapshot.fields[column] == "раз\nдва\nтри\nчетыре"
    assert snapshot.problems == ()


def test_invalid_recipient_phone_is_kept_as_typed():
    snapshot = read_order({"ID": 1, "properties": {"phoneRecipient": "не беспокоить"}})
    assert snapshot.fields["recipient_phone"] == "не беспокоить"
    assert problems(snapshot) == {"properties.phoneRecipient": Reason.NOT_A_PHONE}
    assert snapshot.metadata["properties"] == {"phoneRecipient": "не беспокоить"}


@pytest.mark.parametrize(
    ("flags", "fields"),
    [
        ({"pickup": "Y"}, {"is_pickup": True}),
        ({"iWillGet": "Y", "pickup": "N"}, {"is_pickup": True}),
        ({"anonymous": "1"}, {"is_anonymous": True}),
        ({"surprise": "Да"}, {"is_surprise": True}),
        ({"doNotCall": "Y", "isSurprise": ""}, {"is_surprise": True}),
        ({"DO_NOT_CALL": "on"}, {"is_surprise": True}),
    ],
)
def test_delivery_flags_are_read(flags, fields):
    snapshot = read_order({"ID": 1, "properties": flags})
    assert snapshot.fields == {"order_number": "1", **fields}


@pytest.mark.parametrize(
    "code", ["pickup", "iWillGet", "isAnonymous", "anonymous", "isSurprise", "surprise", "doNotCall"]
)
def test_delivery_flag_is_kept_under_its_code_on_the_site(code):
    for spelling in (code, code.upper()):
        snapshot = read_order({"ID": 1, "properties": {spelling: "Y"}})
        assert snapshot.metadata == {"properties": {code: "Y"}}
        snapshot = read_order({"ID": 1, "properties": {spelling: "?"}})
        assert snapshot.problems == (Problem(f"properties.{code}", "?", Reason.NOT_A_FLAG),)


def test_pay_system_is_mapped_to_payment_method():
    assert "payment_method" not in read_order(order(PAY_SYSTEM_ID="9"), pay_systems={3: "kaspi"}).fields
    snapshot = read_order(order(PAY_SYSTEM_ID="9"))
    assert snapshot.metadata["fields"] == {"PAY_SYSTEM_ID": "9"}
    assert (snapshot.pay_system, snapshot.unread["payment_method"]) == (9, "№ 9")


@pytest.mark.parametrize(
    ("xml_id", "crm_id"),
    [
        (f"crm-{CRM_ID}", CRM_ID),
        (f" CRM-{str(CRM_ID).upper()} ", CRM_ID),
        ("crm-", None),
        (f"crm-{CRM_ID.hex}", None),
        (f"crm-{{{CRM_ID}}}", None),
        ("bx_68aa", None),
        ("", None),
        (None, None),
        ({"a": 1}, None),
    ],
)
def test_xml_id_of_crm_order_gives_its_id(xml_id, crm_id):
    snapshot = read_order(order(XML_ID=xml_id))
    assert snapshot.crm_order_id == crm_id
    assert snapshot.metadata["fields"] == {"XML_ID": xml_id}


@pytest.mark.parametrize(
    ("clocks", "is_read"),
    [
        ({}, True),
        ({"VERSION": "7"}, False),
        ({"DATE_UPDATE": "2025-08-25 10:00:00"}, False),
        ({"VERSION": "7", "DATE_UPDATE": "2025-08-25 10:00:00"}, False),
        ({"DATE_UPDATE": "2025-08-25"}, True),
    ],
    ids=str,
)
def test_status_time_is_time_of_the_event_only_without_another_clock(clocks, is_read):
    moment = datetime(2025, 8, 24, 10, 0, 1, tzinfo=ALMATY)
    data = {"ID": 1, "STATUS_ID": "AP", "DATE_STATUS": "2025-08-24 10:00:01", **clocks}
    assert read_order(data).announced_at == (moment if is_read else None)
    assert read_status_change(data).announced_at == moment


@pytest.mark.parametrize(
    ("raw", "checksum"),
    [
        ("0123456789abcdef", "0123456789abcdef"),
        (" W/2025-08-25:a.b+c=_ ", "W/2025-08-25:a.b+c=_"),
        (5, "5"),
        ("a" * 128, "a" * 128),
        ("a" * 129, None),
        ("a b", None),
        ("сумма", None),
        ("", None),
        (None, None),
        (True, None),
        (1.5, None),
        (["a"], None),
        ({"a": 1}, None),
    ],
)
def test_checksum_is_read_from_a_whole_order(raw, checksum):
    assert read_order({"ID": 1, "CHECKSUM": raw}).checksum == checksum
    assert read_order({"ID": 1, "checksum": raw}).metadata == {}
    assert read_status_change({"ID": 1, "STATUS_ID": "AP", "checksum": raw}).checksum is None
    assert read_status_change({"ID": 1, "PRICE": "1", "checksum": raw}).checksum == checksum


@pytest.mark.parametrize("raw", [None, False, ""])
def test_empty_payments_are_absent(raw):
    snapshot = read_order({"ID": 1, "payments": raw})
    assert (snapshot.metadata, snapshot.problems) == ({}, ())
    assert "payments" not in snapshot.readable["fields"]


@pytest.mark.parametrize("raw", ["оплачен", True, 5, [{"ID": 1}, "x"], {"ID": 1}])
def test_payments_that_are_not_objects_are_a_problem(raw):
    snapshot = read_order({"ID": 1, "PAYMENTS": raw})
    assert snapshot.problems == (Problem("payments", raw, Reason.NOT_AN_OBJECT),)
    assert snapshot.metadata == {"fields": {"payments": raw}}
    assert "payments" not in snapshot.readable["fields"]


@pytest.mark.parametrize("raw", [[], [{"ID": 1, "SUM": Decimal("7.50")}], {"5": {"ID": 1, "SUM": Decimal("7.50")}}])
def test_payments_are_kept(raw):
    snapshot = read_order({"ID": 1, "PAYMENTS": raw})
    assert snapshot.metadata == {"payments": [{"ID": 1, "SUM": "7.50"}] if raw else []}
    assert snapshot.readable["fields"] == {"payments"}


def test_names_of_read_fields_are_listed():
    readable = read_order(full_order(payments=[])).readable
    columns = set(full_order()) - {"ID", "LID", "DATE_PAYED", "DATE_CANCELED", "REASON_CANCELED", "DELIVERY_ID"}
    assert readable == {
        "fields": columns - {"XML_ID", "RESPONSIBLE_ID", "webhook_source"} | {"payments"},
        "properties": set(full_order()["properties"]) - {"howFound"},
        "entered_method": {"method", "text"},
        "set_components": set(),
        "not_bought": set(),
    }


def test_name_of_an_unreadable_field_is_not_listed():
    readable = read_order({"ID": 1, "PRICE": "?", "basket": "?", "user": "?", "properties": {"city": "?"}}).readable
    assert readable == {"fields": {"properties"}, "properties": set()}


@pytest.mark.parametrize("raw", [None, False, "", [], {}])
def test_missing_user_is_no_problem(raw):
    snapshot = read_order({"ID": 1, "user": raw})
    assert (snapshot.problems, snapshot.metadata) == ((), {})


@pytest.mark.parametrize("raw", [True, 5, [{"ID": 1}]])
def test_user_that_is_no_object_is_a_problem(raw):
    snapshot = read_order({"ID": 1, "USER": raw})
    assert snapshot.problems == (Problem("user", raw, Reason.NOT_AN_OBJECT),)
    assert snapshot.metadata == {"fields": {"user": raw}}


def test_time_of_the_event_is_read():
    stamped = {"DATE_STATUS": "2025-08-24 10:00:01"}
    assert read_order(order(**stamped)).announced_at == datetime(2025, 8, 24, 10, 0, 1, tzinfo=ALMATY)
    snapshot = read_order(order(**stamped, webhook_timestamp="2025-08-24T10:00:03+05:00"))
    assert snapshot.announced_at == datetime(2025, 8, 24, 10, 0, 3, tzinfo=ALMATY)
    snapshot = read_order(order(**stamped, webhook_timestamp="скоро"))
    assert snapshot.announced_at == datetime(2025, 8, 24, 10, 0, 1, tzinfo=ALMATY)
    assert problems(snapshot) == {"webhook_timestamp": Reason.NOT_A_DATE}


LINE = {"ID": "7", "PRODUCT_ID": "5", "NAME": "Роза", "PRICE": "1500.0000", "QUANTITY": "3"}


@pytest.mark.parametrize(
    "data",
    [
        {"basket": [LINE]},
        {"basket": {"7": LINE}},
        {"BASKET": [LINE]},
        {"basketItems": [LINE]},
        {"basket": LINE},
        {"basket": [], "basketItems": [LINE]},
    ],
    ids=["list", "object", "capitals", "REST", "one line", "empty second spelling"],
)
def test_basket_is_read_in_each_format(data):
    (item,) = read_order({"ID": 1, **data}).items
    assert (item.bitrix_basket_id, item.bitrix_product_id) == (7, 5)
    assert (item.price, item.quantity) == (Decimal("1500.00"), Decimal("3.000"))


def test_second_basket_is_kept_when_first_one_has_lines():
    other = LINE | {"ID": "8"}
    snapshot = read_order({"ID": 1, "basket": [LINE], "basketItems": [other]})
    assert [item.bitrix_basket_id for item in snapshot.items] == [7]
    assert snapshot.metadata == {"fields": {"basketItems": [other]}}


@pytest.mark.parametrize(("basket", "items"), [([], ()), ({}, ()), (None, None), ("", None), (False, None)])
def test_empty_basket_differs_from_absent_one(basket, items):
    snapshot = read_order({"ID": 1, "basket": basket})
    assert snapshot.items == items
    assert snapshot.problems == ()
    assert read_order({"ID": 1}).items is None


def test_valid_lines_are_read_next_to_invalid_ones():
    snapshot = read_order({"ID": 1, "basket": ["роза", LINE, None, []]})
    assert [item.bitrix_basket_id for item in snapshot.items] == [7]
    assert problems(snapshot) == dict.fromkeys(("basket[0]", "basket[2]", "basket[3]"), Reason.NOT_AN_OBJECT)
    assert snapshot.metadata["fields"] == {"basket[0]": "роза", "basket[2]": None, "basket[3]": []}


def test_basket_with_only_invalid_lines_removes_no_line():
    assert read_order({"ID": 1, "basket": ["роза"]}).items is None


def test_unreadable_amounts_of_a_line_are_flagged():
    snapshot = read_order({"ID": 1, "basket": [LINE | {"PRICE": "дорого", "QUANTITY": {}, "PRODUCT_ID": "0"}]})
    (item,) = snapshot.items
    assert (item.price, item.quantity, item.bitrix_product_id) == (Decimal(0), Decimal(0), None)
    assert item.unknown_values == {"price": "дорого", "quantity": ""}
    assert problems(snapshot) == {
        "basket[0].PRICE": Reason.NOT_A_NUMBER,
        "basket[0].QUANTITY": Reason.NOT_A_NUMBER,
    }
    assert snapshot.metadata["fields"] == {"basket[0].PRICE": "дорого"}


def test_line_sent_twice_is_read_once():
    other = LINE | {"ID": "8", "NAME": "Пион"}
    snapshot = read_order({"ID": 1, "basket": [LINE, LINE | {"NAME": "Тюльпан"}, other]})
    assert [item.product_snapshot["name"] for item in snapshot.items] == ["Роза", "Пион"]
    assert problems(snapshot) == {"basket[1]": Reason.DUPLICATE}
    assert snapshot.metadata["fields"]["basket[1]"]["NAME"] == "Тюльпан"


def test_components_of_a_set_are_not_lines():
    the_set = LINE | {"SET_PARENT_ID": "7", "TYPE": "1"}
    part = LINE | {"ID": "8", "SET_PARENT_ID": "7", "TYPE": None}
    plain = LINE | {"ID": "9", "SET_PARENT_ID": "0"}
    snapshot = read_order({"ID": 1, "basket": [the_set, part, plain]})
    assert [item.bitrix_basket_id for item in snapshot.items] == [7, 9]
    assert snapshot.metadata["set_components"] == [part]


@pytest.mark.parametrize(
    ("columns", "is_bought"),
    [
        ({"DELAY": "Y"}, False),
        ({"CAN_BUY": "N"}, False),
        ({"DELAY": "Y", "CAN_BUY": "N"}, False),
        ({"DELAY": True, "CAN_BUY": True}, False),
        ({"delay": "Y"}, False),
        ({"canBuy": "N"}, False),
        ({"CAN_BUY": 0}, False),
        ({"DELAY": "Y", "SET_PARENT_ID": "7"}, False),
        ({"DELAY": "N", "CAN_BUY": "Y"}, True),
        ({"DELAY": "", "CAN_BUY": None}, True),
        ({}, True),
    ],
)
def test_line_set_aside_or_not_for_sale_is_no_item(columns, is_bought):
    bought = LINE | {"ID": "8", "PRICE": "900", "BASE_PRICE": "1000"}
    other = LINE | columns
    snapshot = read_order({"ID": 1, "basket": [bought, other]})
    assert [item.bitrix_basket_id for item in snapshot.items] == ([8, 7] if is_bought else [8])
    assert snapshot.metadata.get("not_bought", []) == ([] if is_bought else [other])
    assert snapshot.problems == ()
    if not is_bought:
        assert snapshot.fields["discount_amount"] == 300


def test_unreadable_mark_of_a_line_is_kept_and_the_line_is_an_item():
    snapshot = read_order({"ID": 1, "basket": [LINE | {"DELAY": "завтра", "CAN_BUY": "Y"}]})
    assert [item.bitrix_basket_id for item in snapshot.items] == [7]
    assert problems(snapshot) == {"basket[0].DELAY": Reason.NOT_A_FLAG}


@pytest.mark.parametrize(("others", "items"), [([], ()), (["не позиция"], None)])
def test_basket_without_a_bought_line_is_empty_unless_a_line_is_unreadable(others, items):
    snapshot = read_order({"ID": 1, "basket": [LINE | {"CAN_BUY": "N"}, *others]})
    assert snapshot.items == items
    assert len(snapshot.metadata["not_bought"]) == 1


def test_other_columns_of_a_line_are_kept():
    line = LINE | {"XML_ID": "bx_1", "NOTES": "Розничная", "PROPS": [{"NAME": "Цвет", "VALUE": "белый"}], "LID": "s1"}
    (item,) = read_order({"ID": 1, "basket": [line]}).items
    assert item.product_snapshot == {
        "name": "Роза",
        "xml_id": "bx_1",
        "notes": "Розничная",
        "properties": [{"NAME": "Цвет", "VALUE": "белый"}],
        "fields": {"LID": "s1"},
    }


def test_properties_of_a_line_are_kept_from_either_column():
    properties = [{"CODE": "COLOR", "VALUE": "белый"}]
    for line in ({"PROPERTIES": properties}, {"properties": properties}, {"PROPS": [], "PROPERTIES": properties}):
        (item,) = read_order({"ID": 1, "basket": [LINE | line]}).items
        assert item.product_snapshot == {"name": "Роза", "properties": properties}
    (item,) = read_order({"ID": 1, "basket": [LINE | {"PROPS": properties, "PROPERTIES": ["x"]}]}).items
    assert item.product_snapshot == {"name": "Роза", "properties": properties, "fields": {"PROPERTIES": ["x"]}}


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("ID", "x", Reason.NOT_A_NUMBER),
        ("PRODUCT_ID", "x", Reason.NOT_A_NUMBER),
        ("NAME", {"a": 1}, Reason.NOT_TEXT),
        ("NOTES", {"a": 1}, Reason.NOT_TEXT),
        ("BASE_PRICE", "дорого", Reason.NOT_A_NUMBER),
        ("DISCOUNT_PRICE", True, Reason.NOT_A_NUMBER),
        ("XML_ID", {"a": 1}, Reason.NOT_TEXT),
    ],
)
def test_unreadable_column_of_a_line_is_kept_with_a_problem(name, raw, reason):
    for spelling in (name, name.lower()):
        line = {key: value for key, value in LINE.items() if key != name} | {spelling: raw}
        snapshot = read_order({"ID": 1, "basket": [line]})
        assert snapshot.problems == (Problem(f"basket[0].{name}", raw, reason),)
        assert snapshot.metadata == {"fields": {f"basket[0].{name}": raw}}
        assert len(snapshot.items) == 1


def test_status_change_without_number_has_no_number():
    for number in ("", None, " "):
        snapshot = read_status_change({"ID": 1, "STATUS_ID": "AP", "ACCOUNT_NUMBER": number})
        assert snapshot.fields == {"status": "AP"}
    assert read_status_change({"ID": 1, "ACCOUNT_NUMBER": "5"}).fields == {"order_number": "5"}


def test_status_change_alone_is_partial():
    snapshot = read_status_change({"ID": "122183", "STATUS_ID": "AP", "DATE_STATUS": "2025-08-24 10:00:01"})
    assert snapshot.is_partial
    assert snapshot.fields == {"status": "AP"}
    assert snapshot.announced_at == datetime(2025, 8, 24, 10, 0, 1, tzinfo=ALMATY)
    assert snapshot.items is None
    assert snapshot.customer is None


def test_status_change_with_empty_parts_is_partial():
    snapshot = read_status_change({"ID": 1, "STATUS_ID": "AP", "basket": [], "properties": [], "PRICE": ""})
    assert snapshot.is_partial
    assert snapshot.items is None


@pytest.mark.parametrize("rest", [{"PRICE": "9000"}, {"properties": {"city": "2"}}, {"basket": [LINE]}])
def test_status_change_with_other_parts_is_a_whole_order(rest):
    data = {"ID": 1, "STATUS_ID": "AP", **rest}
    assert read_status_change(data) == read_order(data)


@pytest.mark.parametrize("raw", ["122183", 122183, 122183.0, " 122183 ", Decimal(122183)])
def test_object_id_is_read_from_each_type(raw):
    assert object_id({"ID": raw}) == object_id({"id": raw}) == 122183


@pytest.mark.parametrize(
    ("data", "field", "reason"),
    [
        ({}, "data.ID", "data.ID is missing"),
        ({"ID": ""}, "data.ID", "data.ID is empty"),
        ({"ID": None}, "data.ID", "data.ID is empty"),
        ({"ID": []}, "data.ID", "data.ID is empty"),
        ({"ID": "0"}, "data.ID", "data.ID is not a positive integer"),
        ({"ID": "abc"}, "data.ID", "data.ID is not a positive integer"),
        ({"ID": 1.5}, "data.ID", "data.ID is not a positive integer"),
        ({"ID": True}, "data.ID", "data.ID is not a positive integer"),
        ({"ID": -5}, "data.ID", "data.ID is negative or does not fit 64 bits"),
        ({"ID": 2**63}, "data.ID", "data.ID is negative or does not fit 64 bits"),
        ([], "data", "data is not an object"),
        (None, "data", "data is not an object"),
    ],
)
def test_payload_without_a_valid_id_is_refused(data, field, reason):
    for read in (object_id, read_order, read_status_change):
        with pytest.raises(PayloadError) as caught:
            read(data)
        assert (caught.value.field, caught.value.reason, str(caught.value)) == (field, reason, reason)
