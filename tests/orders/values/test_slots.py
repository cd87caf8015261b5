"""Tests of delivery slots that are written as text."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.values.slots import hours_in, parse_slot, slot_key

AFTERNOON = (time(15), time(16))


@pytest.mark.parametrize(
    "text",
    [
        "15:00-16:00",
        "15:00–16:00",
        "15:00 — 16:00",
        "15:00 - 16:00",
        "15.00-16.00",
        "15:00:00-16:00:00",
        "15-16",
        " 15 - 16 ",
        "с 15:00 до 16:00",
        "С 15 до 16",
        "от 15:00 до 16:00",
        "с\u00a015:00 до\u00a016:00",
    ],
)
def test_parse_slot_reads_every_spelling(text):
    assert parse_slot(text) == AFTERNOON
    assert slot_key(text) == "15:00-16:00"


@pytest.mark.parametrize(
    ("text", "slot", "key"),
    [
        ("9:30-11:05", (time(9, 30), time(11, 5)), "09:30-11:05"),
        ("22:00-24:00", (time(22), time(0)), "22:00-00:00"),
        ("23:00-02:00", (time(23), time(2)), "23:00-02:00"),
    ],
)
def test_parse_slot_reads_minutes_and_slots_past_midnight(text, slot, key):
    assert parse_slot(text) == slot
    assert slot_key(text) == key
    assert parse_slot(key) == slot


@pytest.mark.parametrize(
    "text",
    ["", "18", "18:00", "утром", "25-26", "15:60-16:00", "15:00-15:00", "16:00-15:00", "24:30-02:00", "2025-08-25"],
)
def test_parse_slot_returns_none_for_other_text(text):
    assert parse_slot(text) is None
    assert slot_key(text) == text


def test_slot_key_cuts_long_text_to_column_length():
    assert slot_key("как можно раньше,  до обеда") == "как можно раньше, до обеда"
    assert slot_key("с " * 200) == ("с " * 200).rstrip()


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("15:00-16:00", AFTERNOON),
        ("Доставка ко времени 15:30", (time(15, 30), time(15, 30))),
        ("ко времени 15.30, позвонить", (time(15, 30), time(15, 30))),
        ("15:30", (time(15, 30), time(15, 30))),
        ("к 9", (time(9), time(9))),
        ("в 15 ч.", (time(15), time(15))),
        ("до 15:00", (None, time(15))),
        ("не позднее 15:00", (None, time(15))),
        ("после 18:00", (time(18), None)),
        ("с 18:00", (time(18), None)),
        ("Как можно скорее", (None, None)),
        ("утром", (None, None)),
        ("18", (None, None)),
        ("в 10:00 или в 18:00", (None, None)),
        ("16:00-15:00", (None, None)),
        ("25:30", (None, None)),
        ("24:30", (None, None)),
        ("25.12.2026", (None, None)),
        ("через 15 минут", (None, None)),
    ],
)
def test_hours_are_found_in_text(text, hours):
    assert hours_in(text) == hours


@given(st.text())
def test_slot_functions_accept_any_text(text):
    assert parse_slot(text) is not None or slot_key(text) == " ".join(text.split())
    assert len(hours_in(text)) == 2
    assert (parse_slot(text) is None) or parse_slot(slot_key(text)) == parse_slot(text)


@given(st.times(), st.times())
def test_slot_key_of_a_key_is_the_key(start, end):
    key = f"{start:%H:%M}-{end:%H:%M}"
    if parse_slot(key):
        assert slot_key(key) == key
