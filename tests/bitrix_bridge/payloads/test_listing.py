"""Tests of the rows of the site's list of orders, with values in any type that PHP sends."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrix_bridge.payloads import PayloadError
from bitrix_bridge.payloads.listing import read_listed_order, read_page

KEY = UUID("0f9a3ac8-6f7b-4a53-9d3c-3a2f0f8a9b1c")
BRIDGE = {
    "order_id": 122183,
    "xml_id": f"crm-{KEY}",
    "version": 5,
    "status_id": "AP",
    "price": "9000.0000",
    "payed": "N",
    "canceled": "N",
    "date_update": "2025-08-24T12:00:01+05:00",
}
REST = {
    "id": "122183",
    "xmlId": f"crm-{KEY}",
    "version": "5",
    "statusId": "AP",
    "price": 9000,
    "payed": "N",
    "canceled": "N",
    "dateUpdate": "2025-08-24T12:00:01+05:00",
}
VALUES = {"status": "AP", "total_amount": "9000.00", "payment_status": "pending", "is_cancelled": False}


@pytest.mark.parametrize("row", [BRIDGE, REST], ids=["bridge", "rest"])
def test_rows_of_bridge_and_rest_are_read_equally(row):
    listed = read_listed_order(row)
    assert (listed.bitrix_order_id, listed.crm_order_id, listed.version) == (122183, KEY, 5)
    assert (listed.values, listed.unreadable) == (VALUES, {})


@pytest.mark.parametrize(
    ("column", "raw", "name", "value"),
    [
        ("price", "7 500,50", "total_amount", "7500.50"),
        ("price", 4950.0, "total_amount", "4950.00"),
        ("payed", "Y", "payment_status", "paid"),
        ("payed", True, "payment_status", "paid"),
        ("payed", "", "payment_status", "pending"),
        ("canceled", None, "is_cancelled", False),
        ("canceled", 1, "is_cancelled", True),
        ("status_id", " AP ", "status", "AP"),
    ],
)
def test_value_is_read_in_each_php_type(column, raw, name, value):
    assert read_listed_order({**BRIDGE, column: raw}).values[name] == value


@pytest.mark.parametrize(("column", "name"), [("price", "total_amount"), ("status_id", "status")])
@pytest.mark.parametrize("raw", ["", None])
def test_empty_value_is_absent(column, name, raw):
    listed = read_listed_order({**BRIDGE, column: raw})
    assert (name in listed.values, listed.unreadable) == (False, {})


@pytest.mark.parametrize(
    ("column", "name", "raw"),
    [
        ("price", "total_amount", "даром"),
        ("payed", "payment_status", "maybe"),
        ("status_id", "status", ["AP"]),
        ("canceled", "is_cancelled", "maybe"),
    ],
)
def test_unreadable_value_is_kept_raw(column, name, raw):
    listed = read_listed_order({**BRIDGE, column: raw})
    assert (listed.unreadable, name in listed.values) == ({name: raw}, False)


def test_missing_column_is_absent():
    listed = read_listed_order({"order_id": 1})
    assert (listed.values, listed.unreadable, listed.version, listed.crm_order_id) == ({}, {}, None, None)


@pytest.mark.parametrize("xml_id", ["bx_5f2a", "", None, 7, "crm-nonsense"])
def test_foreign_xml_id_gives_no_crm_order_id(xml_id):
    assert read_listed_order({**BRIDGE, "xml_id": xml_id}).crm_order_id is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        *((row, "a row of the list is not an object") for row in (None, [], "122183")),
        *((row, "a row of the list has no id") for row in ({}, {"order_id": 0}, {"order_id": "x"}, {"id": -5})),
    ],
)
def test_row_without_an_id_is_refused(row, message):
    with pytest.raises(PayloadError) as error:
        read_listed_order(row)
    assert (error.value.field, error.value.reason) == ("orders", message)


def test_page_is_read_until_the_last_row():
    page = read_page([{"id": 5}, {"id": 7}], after_id=4, is_last=False)
    assert ([row.bitrix_order_id for row in page.orders], page.is_last) == ([5, 7], False)
    assert read_page({"3": {"id": 5}}, after_id=4, is_last=True).is_last
    assert read_page([], after_id=4, is_last=False).is_last  # an empty page is the last one


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"id": 4}], "order 4 comes after 4"),
        ([{"id": 7}, {"id": 5}], "order 5 comes after 7"),
        ([{"id": 5}, {"id": 5}], "order 5 comes after 5"),
        *((rows, "the list is no list") for rows in (None, "x", 5)),
    ],
)
def test_page_with_unsorted_ids_is_refused(rows, message):
    with pytest.raises(PayloadError) as error:
        read_page(rows, after_id=4, is_last=False)
    assert (error.value.field, error.value.reason) == ("orders", message)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*BRIDGE, *REST]), json_values) | json_values)
def test_any_row_is_read_or_raises_payload_error(row):
    try:
        listed = read_listed_order(row)
    except PayloadError:
        return
    assert listed.bitrix_order_id > 0
    assert set(listed.values) | set(listed.unreadable) <= set(VALUES)
    assert not set(listed.values) & set(listed.unreadable)
