"""Tests of what explains that the site holds a value in a different form."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.sync.site_storage import (
    CP1251,
    UTF8MB3,
    UTF8MB4,
    Loss,
    SiteLimits,
    TextLimit,
    expected_text,
    explain,
    losses_of,
    missing_letters,
    narrowest,
)

NOTHING_KNOWN = SiteLimits()
LETTERS, LENGTH, FORM, DECIMALS = (Loss.LETTERS,), (Loss.LENGTH,), (Loss.FORM,), (Loss.DECIMALS,)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("Құттықтаймын 🌷 Мама", "Құттықтаймын ? Мама", LETTERS),
        ("Құттықтаймын 🌷 Мама", "Құттықтаймын ???? Мама", LETTERS),
        ("Құттықтаймын 🌷 Мама", "Құттықтаймын ?? Мама", LETTERS),
        ("Құттықтаймын 🌷 Мама", "Құттықтаймын \ufffd Мама", LETTERS),
        ("Құттықтаймын 🌷 Мама", "Құттықтаймын", LETTERS),
        ("Құттықтаймын", "??тты?таймын", LETTERS),
        ("Құттықтаймын", "&#1178;ұттықтаймын", FORM),
        ("🌷", "", LETTERS),
        ("🌷 Мама", "Мама", LETTERS),
        ("Мама", "", None),
        ("Мама", "Папа", None),
        ("Позвонить за час до доставки", "Позвонить за час", None),
        ("я" * 300, "я" * 255, LENGTH),
        ("я" * 300, "я" * 254, None),
        ("я" * 300, "я" * 250, LENGTH),
        ("я" * 300, "я" * 127, LENGTH),
        ("🌷" + "я" * 300, "?" + "я" * 254, (Loss.LETTERS, Loss.LENGTH)),
        ("один\nдва", "один\r\nдва", FORM),
        ("один\nдва", "один два", FORM),
        ("два  пробела", "два пробела", FORM),
        ("<b>жирно</b>", "жирно", FORM),
        ("R&B «розы»", "R&amp;B «розы»", FORM),
        ("1 < 2 > 0", "1 0", None),
        ("cafe\u0301", "café", FORM),
        ("невидимый\u200b пробел", "невидимый пробел", FORM),
    ],
)
def test_lost_part_of_a_text_is_explained(ours, theirs, expected):
    assert explain("postcard_text", ours, theirs, NOTHING_KNOWN) == expected


@pytest.mark.parametrize(
    ("name", "ours", "theirs", "expected"),
    [
        ("recipient_phone", "+77011234567", "8 (701) 123-45-67", FORM),
        ("recipient_phone", "+77011234567", "+77011234568", None),
        ("recipient_phone", "123", "0123", None),
        ("total_amount", "7500.50", "7501.00", DECIMALS),
        ("total_amount", "7500.50", "7500.00", DECIMALS),
        ("total_amount", "7500.50", "7502.00", None),
        ("delivery_fee", "0.00", "1500.00", None),
        ("delivery_date", "2026-03-08", "2026-03-09", None),
        ("is_surprise", True, False, None),
        ("status", "new", "accepted", None),
        ("items", [[1, "1.000", "10.50"]], [[1, "1.000", "11.00"]], DECIMALS),
        ("items", [[1, "0.125", "10.00"]], [[1, "0.130", "10.00"]], DECIMALS),
        ("items", [[1, "1.000", "10.00"]], [[2, "1.000", "10.00"]], None),
        ("items", [[1, "1.000", "10.50"]], [[1, "2.000", "11.00"]], None),
        ("items", [[1, "1.000", "10.50"]], [], None),
        ("items", [["Розы 🌹", "1.000", "10.00"]], [["Розы ?", "1.000", "10.00"]], LETTERS),
        ("total_amount", "NaN", "1.00", None),
    ],
)
def test_each_field_has_its_own_explanations(name, ours, theirs, expected):
    assert explain(name, ours, theirs, NOTHING_KNOWN) == expected


def test_known_length_and_decimals_are_the_only_ones():
    limits = SiteLimits({"comment": TextLimit(UTF8MB4, 10)}, {"price": 2, "quantity": 2})
    assert explain("comment", "я" * 300, "я" * 10, limits) == LENGTH
    assert explain("comment", "я" * 300, "я" * 255, limits) is None
    assert explain("total_amount", "7500.50", "7501.00", limits) is None


def test_text_can_be_cut_within_its_bytes():
    limits = SiteLimits({"comment": TextLimit(UTF8MB3, 7, is_in_bytes=True)})
    assert explain("comment", "яяяя", "яяя", limits) == LENGTH


words = st.text(st.sampled_from("аәБ z!\n?🌷é&<>"), max_size=40)
limits_of_text = st.builds(
    TextLimit, st.sampled_from(["", CP1251, UTF8MB3, UTF8MB4]), st.none() | st.integers(1, 30), st.booleans()
)


@given(text=words, limit=limits_of_text)
def test_what_a_site_is_expected_to_store_is_always_explained(text, limit):
    stored = expected_text(text, limit)
    if stored.strip() != text.strip():
        losses = explain("postcard_text", text, stored, SiteLimits({"postcard_text": limit}))
        assert losses
        assert losses_of(text, limit) or losses == FORM


@given(ours=words, theirs=words, limit=limits_of_text)
def test_explanation_of_any_two_texts_raises_nothing(ours, theirs, limit):
    explain("comment", ours, theirs, SiteLimits({"comment": limit}))


@given(
    amount=st.decimals(0, 10**6, places=2, allow_nan=False, allow_infinity=False),
    decimals=st.integers(0, 1),
)
def test_rounded_amount_is_explained(amount, decimals):
    stored = amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    limits = SiteLimits({}, {"price": decimals})
    assert explain("total_amount", str(amount), f"{stored:.2f}", limits) == (() if stored == amount else DECIMALS)


@pytest.mark.parametrize(
    ("text", "charset", "expected"),
    [("Құттықтаймын 🌷🌷", CP1251, "Құқ🌷"), ("Құттықтаймын 🌷", UTF8MB3, "🌷"), ("Құттықтаймын 🌷", "", "")],
)
def test_missing_letters_are_named_once(text, charset, expected):
    assert missing_letters(text, charset) == expected


def test_narrowest_charset_decides():
    assert narrowest([UTF8MB4, UTF8MB3]) == UTF8MB3
    assert narrowest(["", UTF8MB4]) == UTF8MB4
    assert narrowest(["latin2"]) == ""


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), st.lists)
    | st.dictionaries(
        st.sampled_from(["texts", "decimals"]),
        st.dictionaries(
            st.sampled_from(["comment", "price", "x"]),
            st.none()
            | st.integers()
            | st.dictionaries(
                st.sampled_from(["charset", "length", "is_in_bytes"]), st.none() | st.integers() | st.text(max_size=3)
            ),
        ),
    )
)
def test_limits_of_any_form_are_read(data):
    limits = SiteLimits.from_json(data)
    assert SiteLimits.from_json(limits.as_json()) == limits
