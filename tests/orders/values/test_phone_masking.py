"""Tests of the masking of phones in texts, and of the beginning of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.values.phone_masking import MASK, start_of, without_phones

PHONE = "+7 701 123-45-67"


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("Абая 10", 7, "Абая 10"),
        ("Абая 10, кв 5", 13, "Абая 10, кв 5"),
        ("Абая 10, кв 5", 9, "Абая 10,"),
        ("Абая 10, кв 5", 7, "Абая"),
        ("Абая, кв 5", 7, "Абая, к"),
        (f"Мария {PHONE}", 12, "Мария"),
        (f"Мария:({PHONE})", 14, "Мария:"),
        ("12345678", 4, ""),
        ("", 4, ""),
    ],
)
def test_start_of_text_ends_before_cut_number(text, length, expected):
    assert start_of(text, length) == expected


@given(before=st.text("абв ,.", max_size=20), after=st.text("абв ,.", max_size=20), length=st.integers(0, 60))
def test_start_of_text_never_shows_part_of_phone(before, after, length):
    text = f"{before}я {PHONE} я{after}"
    shown = without_phones(start_of(text, length))
    assert len(start_of(text, length)) <= length
    assert not any(char.isdigit() for char in shown.replace(MASK, ""))
