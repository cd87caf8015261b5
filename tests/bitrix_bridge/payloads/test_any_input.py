"""Tests with any JSON value: only a missing id raises an error, no value is lost, and every value can be stored."""

import json
import math
from contextlib import suppress
from decimal import Decimal

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from hypothesis import assume, given
from hypothesis import strategies as st

from bitrix_bridge.payloads import PayloadError, read_customer, read_order, read_product, read_status_change
from bitrix_bridge.payloads.dates import read_date, read_moment
from bitrix_bridge.payloads.names import fold, order_column
from bitrix_bridge.payloads.storable import storable
from bitrix_bridge.payloads.translation import is_empty
from orders.values.text import clean_line
from tests.bitrix_bridge.payloads.samples import full_order

ODD_TEXTS = ["\0", "\ud800", "🌹", "&quot;", "<br>", "1e999", "0000-00-00", "15:00-16:00", "87011234567", "Y", " ", "0"]
ODD_NUMBERS = [math.nan, math.inf, -math.inf, 1e308, -0.0, 10**400, -(2**63), 2**63, Decimal("1e999"), Decimal("snan")]

texts = st.one_of(st.text(max_size=20), st.sampled_from(ODD_TEXTS))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(allow_nan=True, allow_infinity=True),
    texts,
    st.sampled_from(ODD_NUMBERS),
)
keys = st.one_of(
    texts, st.sampled_from(["ID", "CODE", "VALUE", "PRICE", "name", "code", "value", "PRODUCT_ID", "0", "1"])
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)
COLUMNS = sorted(set(full_order()) - {"ID"})
PROPERTIES = [*sorted(full_order()["properties"]), "phone", "email", "fio"]
USER_COLUMNS = sorted(full_order()["user"])
LINE_COLUMNS = [*sorted(full_order()["basket"]["55"]), "SET_PARENT_ID", "TYPE", "DELAY", "CAN_BUY"]

COLUMN_OF = {
    "ACCOUNT_NUMBER": "order_number",
    "STATUS_ID": "status",
    "PAYED": "payment_status",
    "CANCELED": "is_cancelled",
    "PRICE": "total_amount",
    "PRICE_DELIVERY": "delivery_fee",
    "DISCOUNT_VALUE": "discount_amount",
    "SUM_PAID": "paid_amount",
    "CURRENCY": "currency",
    "USER_ID": "bitrix_user_id",
    "USER_DESCRIPTION": "comment",
    "COMMENTS": "courier_comment",
    "nameRecipient": "recipient_name",
    "phoneRecipient": "recipient_phone",
    "addressRecipient": "delivery_address",
    "postcardText": "postcard_text",
    "data": "delivery_date",
    "when": "delivery_slot",
    "city": "city",
    "shopId": "shop",
    "iWillGet": "is_pickup",
    "isAnonymous": "is_anonymous",
    "doNotCall": "is_surprise",
}
CLOCK_OF = {
    "VERSION": "version",
    "DATE_UPDATE": "updated_at",
    "DATE_INSERT": "created_at",
    "webhook_timestamp": "announced_at",
}


def stored(metadata):
    """Return the metadata as the database returns it, and check that the database can store it."""
    text = json.dumps(metadata, cls=DjangoJSONEncoder, allow_nan=False, ensure_ascii=False)
    text.encode()
    assert "\\u0000" not in text
    assert "\0" not in text
    return json.loads(text)


def keeps(kept, name, raw):
    """Return whether the raw value is kept under its name, or under its name with a number."""
    name = storable(name)
    return any(value == storable(raw) for key, value in kept.items() if key == name or key.rpartition("#")[0] == name)


def is_empty_value(raw):
    """Return whether a raw value is empty. An empty value need not be kept."""
    if is_empty(raw) or raw is False or (isinstance(raw, str) and not clean_line(raw)):
        return True
    if isinstance(raw, list):
        return all(is_empty(value) for value in raw)
    try:
        return raw == 0 or not str(raw).strip().strip("0") or read_moment(raw).reason is read_moment(raw).value is None
    except ArithmeticError:
        return False


def check(snapshot):
    """Check the properties that every snapshot of an order must have."""
    assert stored(snapshot.metadata) == snapshot.metadata
    if snapshot.customer:
        assert stored(snapshot.customer.metadata) == snapshot.customer.metadata
        stored(dict(snapshot.customer.fields))
    for item in snapshot.items or ():
        assert stored(item.product_snapshot) == item.product_snapshot
        assert abs(item.price) < 10**10
        assert 0 <= item.quantity < 10**7
        assert isinstance(item.product_snapshot.get("name", ""), str)
    check_fields(snapshot.fields)
    for problem in snapshot.problems:
        stored(problem.as_json())
        assert kept_for(snapshot, problem), problem


def check_fields(fields):
    stored(dict(fields))
    limits = {"order_number": 255, "status": 10, "delivery_slot": 600}
    for name, limit in limits.items():
        assert len(fields.get(name) or "") <= limit
    for name in ("city", "shop"):
        assert 0 < (fields.get(name) or 1) < 2**63
    for value in fields.values():
        if isinstance(value, Decimal):
            assert abs(value) < 10**10
            assert value == value.quantize(Decimal("0.01"))


def kept_for(snapshot, problem):
    metadata = snapshot.metadata
    place, _, name = problem.field.partition(".")
    if place == "properties" and name:
        # A contact of the order is kept under the key that the site has sent.
        return any(
            keeps(metadata["properties"], key, problem.value)
            for key in metadata["properties"]
            if fold(key).startswith(fold(name))
        )
    if place == "user" and name:
        return metadata["fields"]["user"] if snapshot.customer is None else snapshot.customer.metadata
    if place.startswith("basket[") and name in ("PRICE", "QUANTITY") and problem.value is None:
        return True
    return keeps(metadata["fields"], problem.field, problem.value)


@given(json_values)
def test_any_value_instead_of_an_order_raises_only_payload_error(data):
    for read in (read_order, read_status_change):
        try:
            check(read(data))
        except PayloadError as error:
            refusal = error
        else:
            continue
        assert refusal.field in ("data", "data.ID")
        assert refusal.reason
    with suppress(PayloadError):
        read_product(data)


@given(st.dictionaries(keys, json_values, max_size=6))
def test_any_object_with_an_id_is_read(data):
    data["ID"] = "122183"
    snapshot = read_order(data)
    check(snapshot)
    assert snapshot.bitrix_order_id == 122183


@given(st.dictionaries(st.sampled_from(COLUMNS), json_values, min_size=1, max_size=5))
def test_every_column_is_read_or_kept(changes):
    data = full_order() | changes
    snapshot = read_order(data, pay_systems={3: "kaspi"})
    check(snapshot)
    kept = snapshot.metadata.get("fields", {})
    for name in set(data) - {"ID", "properties", "basket", "user"}:
        raw = data[name]
        if name in COLUMN_OF:
            found = COLUMN_OF[name] in snapshot.fields and COLUMN_OF[name] != "order_number"
            found = found or (name == "ACCOUNT_NUMBER" and snapshot.fields["order_number"] != "122183")
            found = found or (name == "ACCOUNT_NUMBER" and str(raw) == "122183")
        elif name in CLOCK_OF:
            found = getattr(snapshot, CLOCK_OF[name]) is not None
        else:
            found = False
        assert found or is_empty_value(raw) or keeps(kept, name, raw), name


@given(st.dictionaries(st.one_of(st.sampled_from(PROPERTIES), keys), json_values, min_size=1, max_size=5))
def test_every_property_is_read_or_kept(changes):
    properties = {
        code: value
        for code, value in (full_order()["properties"] | changes).items()
        if not (isinstance(value, dict) and any(fold(key) in ("value", "code") for key in value))
        and not (isinstance(value, dict | list) and "value" in json.dumps(value, default=str).casefold())
    }
    assume(properties)
    snapshot = read_order(full_order(properties=properties))
    check(snapshot)
    kept = snapshot.metadata.get("properties", {})
    for code, raw in properties.items():
        found = COLUMN_OF.get(code) in snapshot.fields
        raw = list(raw.values()) if isinstance(raw, dict) and raw and all(key.isdecimal() for key in raw) else raw
        assert found or is_empty_value(raw) or keeps(kept, code, raw), code


@given(st.dictionaries(st.one_of(st.sampled_from(USER_COLUMNS), keys), json_values, min_size=1, max_size=5))
def test_every_column_of_the_user_is_read_or_kept(changes):
    user = full_order()["user"] | changes
    snapshot = read_order(full_order(user=user))
    check(snapshot)
    assert snapshot.customer.bitrix_user_id
    used = {"ID", "NAME", "LAST_NAME", "EMAIL", *(name for name in user if "PHONE" in name.upper())}
    for name in set(user) - used:
        if name.upper() not in used:
            assert is_empty(user[name]) or keeps(snapshot.customer.metadata, name, user[name]), name
    read_customer(user)


@given(st.lists(st.one_of(json_values, st.dictionaries(st.sampled_from(LINE_COLUMNS), json_values)), max_size=5))
def test_every_line_is_read_or_kept(lines):
    basket = [*lines, *full_order()["basket"].values()]
    snapshot = read_order(full_order(basket=basket))
    check(snapshot)
    flagged = {problem.field for problem in snapshot.problems if problem.field.endswith("]")}
    parts = snapshot.metadata.get("set_components", []) + snapshot.metadata.get("not_bought", [])
    assert len(snapshot.items) + len(parts) + len(flagged) == len(basket)


@given(st.dictionaries(keys, json_values, max_size=4), st.sampled_from(["properties", "basket", "user", "PAYMENTS"]))
def test_any_object_instead_of_a_part_is_kept(value, name):
    check(read_order(full_order(**{name: value})))
    check(read_status_change({"ID": 1, name: value}))


@given(st.dictionaries(keys, json_values, max_size=6), json_values, json_values, json_values)
def test_any_product_with_an_id_is_read(data, prices, properties, picture):
    snapshot = read_product(data | {"ID": 1, "PRICES": prices, "PROPERTIES": properties, "DETAIL_PICTURE": picture})
    assert stored(snapshot.metadata) == snapshot.metadata
    stored(dict(snapshot.fields))
    for problem in snapshot.problems:
        assert problem.field
        stored(problem.as_json())


@pytest.mark.parametrize("depth", [50, 500, 900])
@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"VALUE": value}], ids=["lists", "objects"])
def test_deeply_nested_values_are_kept(depth, wrap):
    value = "x"
    for _ in range(depth):
        value = wrap(value)
    for name in (*COLUMNS, "anything"):
        check(read_order(full_order(**{name: value})))
    check(read_order(full_order(properties={"data": value, "postcardText": value, "own": value})))


def test_payload_with_many_keys_is_kept():
    names = {f"FIELD_{number}": number for number in range(20_000)}
    snapshot = read_order(full_order(**names))
    assert len(snapshot.metadata["fields"]) > 20_000


@pytest.mark.parametrize("piece", ["а", "&quot;", "<br>", "&#", "8701", "+7 ", "1,", "a@", "\ud83c", "[", "15-"])
def test_very_long_text_is_read(piece):
    huge = piece * (100_000 // len(piece))
    for name in ("ACCOUNT_NUMBER", "STATUS_ID", "PRICE", "DATE_UPDATE", "USER_DESCRIPTION", "XML_ID"):
        check(read_order(full_order(**{name: huge})))
    check(read_order(full_order(properties=dict.fromkeys((*PROPERTIES, "own"), huge))))


def test_rest_spelling_of_names_is_recognized():
    assert order_column("statusId") == order_column("status_id") == "STATUS_ID"
    assert order_column("id1c") == "ID_1C"
    assert order_column("webhook_source") == "webhook_source"


@given(st.dates())
def test_delivery_date_is_never_shifted(day):
    reading = read_date(day.isoformat())
    assert reading.value in (day, None)
