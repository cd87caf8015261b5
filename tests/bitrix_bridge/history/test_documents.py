"""Tests of the conversion of rows to the dictionary that a webhook contains, for any values in the columns."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrix_bridge.history import columns
from bitrix_bridge.history.changes import history
from bitrix_bridge.history.documents import Knowledge, document
from bitrix_bridge.history.reading import Selection
from bitrix_bridge.history.reasons import Code
from bitrix_bridge.history.source import Row
from bitrix_bridge.history.source_order import SourceOrder
from bitrix_bridge.payloads import read_order
from tests.bitrix_bridge.history.reference import php

TEXTS = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.sampled_from(
        [
            *("", "0", "-1", "Y", "N", "122101", "99999999999999999999", "1e400", "NaN", "0000-00-00 00:00:00"),
            *("9999-12-31", "0001-01-01", "a:1:{i:0;s:1:", 'O:8:"stdClass":0:{}', "Р‘СѓРєРµС‚", "\ufffd", "????"),
            *("crm-", "=cmd()", "💐"),
        ]
    ),
)


def rows(names, **fixed):
    values = {name: st.just(fixed[name]) if name in fixed else TEXTS for name in names}
    return st.fixed_dictionaries({}, optional=values).map(lambda found: Row((found | fixed).items()))


ORDERS = st.builds(
    SourceOrder,
    row=rows(columns.ORDER, ID="122101"),
    lines=st.lists(rows(columns.BASKET, ID="5"), max_size=2),
    line_properties=st.just({"5": [Row({"BASKET_ID": "5", "NAME": None, "VALUE": None}.items())]}),
    values=st.lists(rows(columns.PROPERTY_VALUE), max_size=4),
    payments=st.lists(rows(columns.PAYMENT), max_size=2),
    shipments=st.lists(rows(columns.SHIPMENT), max_size=2),
    changes=st.lists(rows(columns.CHANGE), max_size=3),
    user=st.one_of(st.none(), rows(columns.USER)),
    phone=st.one_of(st.none(), st.text(max_size=20)),
)
DEFINITIONS = {
    "1": Row({"ID": "1", "CODE": "data", "TYPE": "STRING", "MULTIPLE": "N"}.items()),
    "2": Row({"ID": "2", "CODE": "extras", "TYPE": "ENUM", "MULTIPLE": "Y"}.items()),
    "3": Row({"ID": "3", "CODE": None, "NAME": None, "TYPE": "STRING", "MULTIPLE": "N"}.items()),
    "4": Row({"ID": "4", "CODE": "postcardText", "TYPE": "STRING", "MULTIPLE": "N"}.items()),
}
KNOWLEDGE = Knowledge(properties=DEFINITIONS, longest_value=500, longest_comment=250)


@settings(max_examples=150)
@given(ORDERS)
def test_any_row_values_give_a_readable_document(order):
    made = document(order, KNOWLEDGE)
    assert read_order(made.data).bitrix_order_id == 122101
    history(order.changes, {}, order.payments)
    assert all(reason.text for reason in made.reasons)


def properties(*values):
    order = SourceOrder(row=Row({"ID": "1"}.items()), values=[Row(value.items()) for value in values])
    made = document(order, KNOWLEDGE)
    return made.data["properties"], [reason.code for reason in made.reasons if reason.code != Code.NO_LINES]


@pytest.mark.parametrize(
    ("definition", "stored", "value", "reasons"),
    [
        ("1", "2025-08-12", "2025-08-12", []),
        ("1", "0000-00-00", "0000-00-00", [Code.ZERO_DATE]),
        ("1", None, "", []),
        ("2", php(["2", "5"]), ["2", "5"], []),
        ("2", "2,5", ["2", "5"], []),
        ("2", "2", "2", []),
        ("2", php(["2", "5"])[:20], php(["2", "5"])[:20], [Code.BROKEN_VALUE]),
        ("1", php({"a": "x"}), ["x"], []),
        ("1", php([True, 1.5, ["вложено"], {"a": "б"}]), ["1", "1.5", '["вложено"]', '{"a": "б"}'], []),
        ("4", "я" * 500, "я" * 500, [Code.CUT_TEXT]),
        ("4", "я" * 499, "я" * 499, []),
        ("1", "x" * 500, "x" * 500, []),
        ("4", "Р‘СѓРєРµС‚", "Букет", [Code.REPAIRED_TEXT]),
        ("77", "x", "x", [Code.ORPHAN_PROPERTY]),
    ],
)
def test_property_value_is_converted_with_its_reasons(definition, stored, value, reasons):
    found, why = properties({"ORDER_PROPS_ID": definition, "CODE": "code", "VALUE": stored})
    why = [code for code in why if code not in (Code.NO_USER, Code.NO_NUMBER)]
    assert [one["VALUE"] for one in found] == [value]
    assert why == reasons


@pytest.mark.parametrize(
    ("is_faithful", "codes"),
    [
        (False, [Code.REPAIRED_TEXT, Code.BROKEN_TEXT, Code.LOST_CHARACTERS]),
        (True, [Code.REPAIRED_ON_SITE, Code.BROKEN_ON_SITE, Code.LOST_ON_SITE]),
    ],
)
def test_broken_letters_of_a_faithful_copy_are_broken_on_the_site(is_faithful, codes):
    texts = {"COMMENTS": "Р‘СѓРєРµС‚", "USER_DESCRIPTION": "Бук\ufffdт", "ADDITIONAL_INFO": "Люблю ????"}
    row = Row({"ID": "1", "USER_ID": "0", **texts}.items())
    made = document(SourceOrder(row=row), Knowledge(is_faithful=is_faithful))
    found = [reason for reason in made.reasons if reason.subject in texts]
    assert [reason.code for reason in found] == codes
    assert all(("mysqldump" in reason.advice) == (not is_faithful) for reason in found)


def test_property_code_is_taken_from_its_definition():
    found, _ = properties({"ORDER_PROPS_ID": "1", "CODE": "old", "VALUE": "x"})
    assert found[0]["CODE"] == "data"
    found, _ = properties({"ORDER_PROPS_ID": "3", "CODE": None, "NAME": None, "VALUE": "x"})
    assert found[0] == {"CODE": "", "ORDER_PROPS_ID": "3", "VALUE": "x"}


def test_property_has_its_name_and_the_name_of_its_chosen_values():
    knowledge = Knowledge(
        properties={"5": Row({"ID": "5", "CODE": "packaging", "NAME": "Упаковка", "MULTIPLE": "N"}.items())},
        choices={"5": {"k": "Крафт", "f": "Флизелин"}},
    )
    values = [("k", "Крафт"), (php(["k", "f"]), ["Крафт", "Флизелин"]), ("unknown", None)]
    for stored, name in values:
        row = Row({"ORDER_PROPS_ID": "5", "CODE": "packaging", "NAME": "Старое имя", "VALUE": stored}.items())
        made = document(SourceOrder(row=Row({"ID": "1"}.items()), values=[row]), knowledge)
        (found,) = made.data["properties"]
        assert (found["NAME"], found.get("VALUE_NAME")) == ("Упаковка", name)


def test_properties_of_items_keep_code_name_and_value():
    order = SourceOrder(
        row=Row({"ID": "1"}.items()),
        lines=[Row({"ID": "7", "PRODUCT_ID": "1", "NAME": "Букет", "PRICE": "1"}.items())],
        line_properties={"7": [Row({"BASKET_ID": "7", "NAME": "Размер", "CODE": "SIZE", "VALUE": "61 см"}.items())]},
    )
    (line,) = document(order, KNOWLEDGE).data["basket"]
    assert line["PROPS"] == [{"CODE": "SIZE", "NAME": "Размер", "VALUE": "61 см"}]


def test_shipment_properties_are_kept_apart_from_order_properties():
    order = SourceOrder(
        row=Row({"ID": "1"}.items()),
        values=[Row({"CODE": "address", "VALUE": "Склад", "ENTITY_TYPE": "SHIPMENT", "ORDER_PROPS_ID": "9"}.items())],
    )
    made = document(order, KNOWLEDGE)
    assert made.data["properties"] == []
    assert made.data["SHIPMENT_PROPERTIES"] == {"address": "Склад"}


@pytest.mark.parametrize(
    ("changed", "date"),
    [
        ({"changes": ["2025-08-12 10:00:00", "2025-08-11 10:00:00"]}, "2025-08-11 10:00:00"),
        ({"changes": ["0000-00-00 00:00:00"], "DATE_UPDATE": "2025-08-14 10:00:00"}, "2025-08-14 10:00:00"),
        ({"changes": [], "DATE_STATUS": "0000-00-00 00:00:00"}, None),
    ],
)
def test_zero_order_date_is_replaced_by_the_earliest_related_date(changed, date):
    row = {"ID": "1", "DATE_INSERT": "0000-00-00 00:00:00"} | {
        name: value for name, value in changed.items() if name != "changes"
    }
    changes = [Row({"DATE_CREATE": moment}.items()) for moment in changed["changes"]]
    made = document(SourceOrder(row=Row(row.items()), changes=changes), KNOWLEDGE)
    assert made.data["DATE_INSERT"] == date


def test_selection_is_restored_from_its_json():
    selection = Selection(first_id=5, count=3, order_ids=(7, 8))
    assert Selection.from_json(selection.as_json()) == selection
    assert Selection.from_json({}) == Selection()
