"""Tests of the lists `warnings` and `refused` of a response, in both formats and as any JSON."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrix_bridge.payloads.outgoing import COLUMNS, PROPERTIES, SPELLINGS, field_of
from bitrix_bridge.payloads.response import read_response
from orders.sync.fields import PUSHED
from orders.sync.site_response import FieldRefusal, SiteWarning


@pytest.mark.parametrize(
    ("row", "warning"),
    [
        ("На сайте нет свойства pickup", SiteWarning("", "На сайте нет свойства pickup")),
        ({"code": "marked", "message": "Помечен"}, SiteWarning("marked", "Помечен")),
        (
            {"code": "no_property", "message": "Нет", "property": "iWillGet"},
            SiteWarning("no_property", "Нет", "iWillGet", "is_pickup"),
        ),
        ({"code": "no_property", "message": "Нет", "property": "fax"}, SiteWarning("no_property", "Нет", "fax")),
        (
            {"code": "out_of_catalogue", "message": "Нет", "product_id": 696613},
            SiteWarning("out_of_catalogue", "Нет", "696613", "items"),
        ),
        (
            {"code": "inner_account", "message": "7 500 ₸ ушли", "amount": "7500.00"},
            SiteWarning("inner_account", "7 500 ₸ ушли", amount="7500.00"),
        ),
        ({"code": "marked"}, SiteWarning("marked", "marked")),
    ],
)
def test_warning_is_read(row, warning):
    assert read_response({"warnings": [row]}).warnings == (warning,)


@pytest.mark.parametrize("rows", [None, "", 5, {}, [], [None], [""], [{}], [[]], [5], [True], [{"message": " "}]])
def test_empty_or_invalid_lists_give_an_empty_response(rows):
    assert read_response({"warnings": rows, "refused": rows}) == read_response({})


def test_php_list_with_gaps_is_read():
    assert [one.message for one in read_response({"warnings": {"0": "а", "2": "б"}}).warnings] == ["а", "б"]


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("items", "items"),
        ("fields.PRICE", "total_amount"),
        ("fields.PAYED", "payment_status"),
        ("fields.PAY_SYSTEM_ID", "payment_method"),
        ("fields.STATUS_ID", "status"),
        ("fields.CANCELED", "is_cancelled"),
        ("properties.postcardText", "postcard_text"),
        ("properties.iWillGet", "is_pickup"),
        ("properties.anonymous", "is_anonymous"),
        ("properties.doNotCall", "is_surprise"),
    ],
)
def test_refused_part_is_mapped_to_a_field(what, name):
    (found,) = read_response({"refused": [{"what": what, "code": "refused", "message": "Нельзя"}]}).refused.items()
    assert found == (name, FieldRefusal("refused", "Нельзя", is_of_value=False))


def test_every_sent_field_can_be_refused():
    parts = {f"fields.{column}" for column in (*COLUMNS.values(), "PAYED", "PAY_SYSTEM_ID", "STATUS_ID")}
    parts |= {f"properties.{code}" for code in (*PROPERTIES.values(), *sum(SPELLINGS.values(), ()))} | {"items"}
    assert {field_of(part) for part in parts} <= set(PUSHED)
    assert set(PUSHED) - {field_of(part) for part in parts} <= {"discount_amount"}, "which is in the lines' prices"


@pytest.mark.parametrize("code", ["property_too_long", "property_unknown_value"])
def test_code_for_unstorable_value_is_a_refusal_of_value(code):
    response = read_response({"refused": [{"what": "properties.when", "code": code, "message": "Нет такого"}]})
    assert response.refused == {"delivery_slot": FieldRefusal(code, "Нет такого", is_of_value=True)}


def test_refused_part_without_a_field_is_a_warning():
    response = read_response(
        {"refused": [{"what": "properties.email", "code": "property_too_long", "message": "Длинно"}]}
    )
    assert (response.refused, response.warnings) == (
        {},
        (SiteWarning("property_too_long", "Длинно", "properties.email"),),
    )


def test_token_in_a_warning_is_masked(settings):
    settings.BITRIX_API_TOKEN = "a-secret-of-the-bridge"
    response = read_response({"warnings": ["token a-secret-of-the-bridge"]})
    assert "a-secret" not in response.warnings[0].message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "message", "what", "property", "product_id", "amount"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(warnings=json_values, refused=json_values)
def test_any_response_can_be_read(warnings, refused):
    response = read_response({"warnings": warnings, "refused": refused})
    assert all(isinstance(warning.message, str) and warning.message for warning in response.warnings)
    assert set(response.refused) <= set(PUSHED)


def test_long_text_of_a_warning_is_cut():
    (long,) = read_response({"warnings": ["я" * 501]}).warnings
    (fits,) = read_response({"warnings": ["я" * 500]}).warnings
    assert (len(long.message), fits.message) == (500, "я" * 500)
