"""Tests of the details of orders and items: labels, technical fields, and values that a reader may not see."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.models import Customer, Order, OrderItem
from orders.presentation.details import (
    HIDDEN,
    Detail,
    as_line,
    courier_details,
    florist_details,
    item_details,
    order_details,
    plain_item_details,
)


def shown(metadata, *, phones=True, prices=True, **values):
    order = Order(metadata=metadata, **values)
    return [(detail.label, detail.value) for detail in order_details(order, phones=phones, prices=prices)]


def shown_of_item(snapshot, *, phones=True, prices=True):
    item = OrderItem(product_snapshot=snapshot)
    return [(detail.label, detail.value) for detail in item_details(item, phones=phones, prices=prices)]


def test_properties_have_labels_of_the_site_or_known_labels_or_their_codes():
    metadata = {
        "properties": {"apartment": "25", "floor": "5", "myProp": "да, пожалуйста", "#7": "без кода", "kraft": "k1"},
        "labels": {"floor": "Этаж дома", "#7": "Пожелание"},
        "choices": {"kraft": {"k1": "Крафт-бумага"}},
    }
    assert shown(metadata) == [
        ("Квартира", "25"),
        ("Этаж дома", "5"),
        ("kraft", "Крафт-бумага"),
        ("myProp", "да, пожалуйста"),
        ("Пожелание", "без кода"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("ID", "LID", "PERSON_TYPE_ID", "VERSION", "XML_ID", "paySystemId", "PAY_SYSTEM_ID", "EMP_PAYED_ID"),
        *("DATE_INSERT", "DATE_UPDATE", "dateStatus", "DATE_ALLOW_DELIVERY", "TIMESTAMP_X", "webhook_timestamp"),
        *("checksum", "basketHash", "UPDATED_1C", "ID_1C", "LOCKED_BY", "DISCOUNT_VALUE", "MARKED", "DELIVERY_ID"),
    ],
)
def test_technical_columns_are_left_out(name):
    assert shown({"fields": {name: "7"}}) == []


@pytest.mark.parametrize(
    "value",
    ["", "  ", None, [], {}, ["", None], "0000-00-00 00:00:00", "9e107d9d372bb6826bd81d3542a419d6",
     "6f9619ff-8b86-d011-b42d-00cf4fc964ff", {"ID": "7"}],
)  # fmt: skip
def test_empty_values_and_hashes_are_left_out(value):
    assert shown({"properties": {"myProp": value}, "fields": {"ORDER_TOPIC": value}}) == []


@pytest.mark.parametrize("flag", ["Y", "N", "1", "0", True, False, "true"])
@pytest.mark.parametrize("code", ["pickup", "iWillGet", "isAnonymous", "anonymous", "isSurprise", "doNotCall"])
def test_flags_with_a_column_are_left_out_unless_they_are_unreadable(code, flag):
    assert shown({"properties": {code: flag}}) == []
    assert [value for _label, value in shown({"properties": {code: "может быть"}})] == ["может быть"]


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        ("askAddress", "Y", "да"),
        ("askAddress", "N", "нет"),
        ("colors", ["белый", "", "розовый"], "белый, розовый"),
        ("location", "0000073738", None),
        ("location", "Алматы, Медеуский район", "Алматы, Медеуский район"),
        ("kaspiPhone", "87015556677", "+7 701 555-66-77"),
        ("kaspiPhone", "87015556677, Айгуль", "87015556677, Айгуль"),
        ("bonusSum", "1500", "1\xa0500\xa0₸"),
        ("bonusSum", "0.00", None),
        ("bonusSum", "много", "много"),
        ("photo", {"ID": "948", "name": "эскиз.jpg"}, "Имя в заказе: эскиз.jpg"),
    ],
)
def test_values_are_written_for_people(code, value, expected):
    assert [text for _label, text in shown({"properties": {code: value}})] == ([] if expected is None else [expected])


def test_phones_and_prices_are_masked_for_readers_who_may_not_see_them():
    metadata = {
        "properties": {"kaspiPhone": "87015556677", "notes": "Мама: 8 701 555 66 77", "bonusSum": "1500"},
        "fields": {"TAX_VALUE": "700.00", "user": {"PERSONAL_PHONE": "+77015556677"}},
        "payments": [{"ID": "1", "PAY_SYSTEM_NAME": "Kaspi", "SUM": "9000.00", "PAID": "Y"}],
    }
    text = json.dumps(shown(metadata, phones=False, prices=False), ensure_ascii=False)
    for private in ("555", "1500", "1\xa0500", "700", "9000", "9\xa0000"):
        assert private not in text, private
    assert dict(shown(metadata, phones=False, prices=False)) == {
        "Телефон Kaspi": f"{HIDDEN}\xa06677",
        "Примечание": "Мама: •••",
        "bonusSum": HIDDEN,
        "Налог": HIDDEN,
        "Аккаунт клиента": f"PERSONAL_PHONE: {HIDDEN}\xa06677",
        "Платежи": f"Способ оплаты: Kaspi; Сумма: {HIDDEN}; Оплачено: да",
    }


def test_contacts_are_shown_if_they_differ_from_the_customer():
    customer = Customer(name="Айгерим", phone="+77771234567", email="a@cvety.kz")
    same = {"name": " айгерим ", "phone": "8 777 123 45 67", "email": "A@cvety.kz"}
    other = {"name": "Дана", "phone": "87770000000", "fio": "Айгерим", "email": ""}
    assert shown({"properties": same}, customer=customer) == []
    assert shown({"properties": other}, customer=customer) == [
        ("Имя в заказе", "Дана"),
        ("Телефон в заказе", "+7 777 000-00-00"),
    ]
    assert len(shown({"properties": same})) == 3


PROPERTIES = [
    {"size": "61 см", "color": "белый"},
    {"size": {"NAME": "", "VALUE": "61 см"}, "color": {"CODE": "color", "VALUE": "белый"}},
    [{"NAME": "Размер", "CODE": "SIZE", "VALUE": "61 см", "SORT": "1"}, {"NAME": "Цвет", "CODE": "", "VALUE": "белый"}],
    [
        {"name": "Размер", "code": "SIZE", "value": "61 см", "id": 4, "xmlId": "bx_1"},
        {"code": "COLOR", "value": "белый"},
    ],
]


@pytest.mark.parametrize("properties", PROPERTIES)
def test_properties_of_items_are_read_in_every_format(properties):
    assert shown_of_item({"name": "Букет", "properties": properties}) == [("Размер", "61 см"), ("Цвет", "белый")]


def test_item_has_no_technical_properties_and_no_price_for_those_who_may_not_see_it():
    snapshot = {
        "name": "Букет",
        "original_price": "7500",
        "properties": [
            {"NAME": "Catalog XML_ID", "CODE": "CATALOG.XML_ID", "VALUE": "25"},
            {"NAME": "Product XML_ID", "CODE": "PRODUCT.XML_ID", "VALUE": "988#4"},
            {"NAME": "Тип", "CODE": "TYPE", "VALUE": "моно"},
        ],
        "fields": {"MEASURE_NAME": "шт", "CUSTOM_PRICE": "Y", "DISCOUNT_NAME": "Весна", "VAT_RATE": "12"},
    }
    assert shown_of_item(snapshot)[:2] == [("Тип", "моно"), ("Скидка", "Весна")]
    item = OrderItem(product_snapshot=snapshot)
    assert as_line(plain_item_details(item)) == "Тип: моно, Скидка: Весна"


def test_courier_gets_the_place_and_florist_the_bouquet():
    properties = {
        "apartment": "25", "INTERCOM": "25К", "company": "Ромашка", "notes": "через двор +7 701 555-66-77",
        "packaging": "крафт", "utm_source": "ads", "bonusSum": "100", "name": "Отправитель",
    }  # fmt: skip
    order = Order(metadata={"properties": properties})
    place = "Компания: Ромашка, Квартира: 25, Домофон: 25К, Примечание: через двор +7 701 555-66-77"
    assert as_line(courier_details(order, phones=True)) == place
    assert as_line(courier_details(order, phones=False)) == place.replace("+7 701 555-66-77", "•••")
    assert as_line(florist_details(order)) == "Упаковка: крафт, Примечание: через двор •••"
    order.is_anonymous = True
    assert "Ромашка" not in as_line(courier_details(order, phones=True))


def test_long_value_is_cut_on_a_line_and_kept_whole():
    (detail,) = order_details(Order(metadata={"properties": {"notes": "я" * 500}}), phones=True, prices=True)
    assert (detail.value, len(detail.short), detail.is_cut) == ("я" * 500, 160, True)
    assert not Detail("a", "a", "я" * 160).is_cut


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=12,
)
PHONES = ["+77015556677", "8 (701) 555-66-77", "87015556677"]


@given(
    st.dictionaries(st.sampled_from(["properties", "fields", "payments", "labels", "choices", "set_components"]), JSON)
)
def test_any_metadata_and_product_snapshot_is_shown_without_an_error(metadata):
    for detail in order_details(Order(metadata=metadata), phones=False, prices=False):
        assert detail.label.strip() or detail.code
        assert detail.value
    item_details(OrderItem(product_snapshot=metadata), phones=True, prices=True)


@given(st.sampled_from(PHONES), st.text(alphabet="абв ,.", max_size=8), st.sampled_from(["notes", "myProp", "phone2"]))
def test_no_phone_is_left_for_a_reader_who_may_not_see_phones(phone, before, code):
    ((_label, value),) = shown({"properties": {code: {"inner": [before + " " + phone]}}}, phones=False)
    assert "555" not in value
