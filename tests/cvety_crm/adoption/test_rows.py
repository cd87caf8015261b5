"""Tests of reading earlier rows, with any values that JSON can contain."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvety_crm.adoption.rows import BIGINT, Row, is_same, plain
from orders.services.adoption.reading import READ, read_order

LEAVES = st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.text() | st.floats(allow_nan=False).map(str)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(LEAVES | NUMBERS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner))
DATES = st.sampled_from(["2025-06-01", "01.06.2025", "31.02.2025", "2025-06-01T10:00:00+05:00", "0000-00-00", "завтра"])
ROWS = st.fixed_dictionaries({}, optional=dict.fromkeys(READ, VALUES | DATES))


@given(ROWS)
def test_any_order_is_read_and_each_value_is_stored_or_kept(values):
    row = Row(values)
    found = read_order(row)
    kept = row.kept(found.columns)
    for name, value in values.items():
        if value is not None and name not in kept:
            assert is_same(value, found.columns[name])
        elif value is not None:
            assert kept[name] == plain(value)
    json.dumps(kept)
    assert all(isinstance(text, str) for text in found.unread.values())


@given(VALUES)
def test_any_value_is_read_as_each_type_or_as_none(value):
    row = Row({"value": value})
    assert isinstance(row.text("value"), str)
    amount, number = row.money("value"), row.integer("value")
    assert amount is None or abs(amount) < 10**10
    assert number is None or number in BIGINT
    assert row.moment("value") is None or row.moment("value").tzinfo is not None
    assert isinstance(row.document("value"), dict)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("9 000,50", "9000.50"), ("-5", "-5.00"), ("0.005", "0.01"), ("1e3", "1000.00"), ("9999999999.995", None),
     ("1e400", None), ("NaN", None), ("", None), ("пять", None), ("Infinity", None)],
)  # fmt: skip
def test_sum_that_does_not_fit_is_not_read(text, amount):
    assert Row({"sum": text}).money("sum") == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize(
    ("earlier", "new", "same"),
    [(1500, Decimal("1500.00"), True), (Decimal("1500.005"), Decimal("1500.01"), False), ("18", 18, True),
     (18, "18", True), (True, 1, False), (True, True, True), ("", None, False), ({"a": 1}, {"a": 1}, True),
     ("8 701", "+7701", False)],
)  # fmt: skip
def test_values_are_the_same_if_nothing_is_lost(earlier, new, same):
    assert is_same(earlier, new) is same
