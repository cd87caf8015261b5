"""Tests of the preparation of texts of staff and customers for printing."""

import re

import phonenumbers
import pytest
from django.contrib.auth.models import AnonymousUser
from hypothesis import given
from hypothesis import strategies as st

from orders.paper.typed_text import LONGEST_PIECE, breakable, tied, widest_pieces
from orders.rules.visibility import shown_text
from orders.values.phone_masking import without_phones

BREAK = "\u200b"
texts = st.text(alphabet=st.characters(exclude_characters=BREAK, exclude_categories=["Cs"]), max_size=200)


@given(texts)
def test_breakable_adds_only_break_opportunities(text):
    assert breakable(text).replace(BREAK, "") == text


@given(st.text(alphabet="абвқңҰxyz0189.,!?-/:", min_size=1, max_size=200))
def test_breakable_limits_length_of_unbroken_runs(text):
    assert all(len(piece) <= LONGEST_PIECE for piece in re.split(rf"[\s{BREAK}]", breakable(text)))


@pytest.mark.parametrize("emoji", ["👩‍❤️‍👨", "🇰🇿", "👍🏽", "❤️", "e\u0301"])
def test_breakable_keeps_graphemes_whole(emoji):
    assert emoji in breakable("я" * 30 + emoji + "я" * 30)
    assert emoji * 40 == breakable(emoji * 40) or emoji == "e\u0301"
    assert breakable(emoji * 40).count(emoji) == 40


def test_breakable_leaves_ordinary_text_unchanged():
    assert breakable("С днём рождения,\nмама!") == "С днём рождения,\nмама!"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("мама! 🌹", "мама!\u00a0🌹"),
        ("мама! 🌹❤️\nДима 👩‍❤️‍👨 ", "мама!\u00a0🌹\u2060❤️\nДима\u00a0👩‍❤️‍👨"),
        ("Алматы 🇰🇿", "Алматы\u00a0🇰🇿"),
        ("🌹", "🌹"),
        (" 🌹", " 🌹"),
        ("розы 🌹🌹🌹🌹🌹🌹🌹🌹🌹", "розы 🌹🌹🌹🌹🌹🌹🌹🌹🌹"),
        ("без знаков", "без знаков"),
    ],
)
def test_tied_joins_final_emoji_to_last_word(text, expected):
    assert tied(text) == expected
    assert "".join(widest_pieces(expected)).count("\u00a0") == expected.count("\u00a0")


def test_widest_pieces_returns_longest_words_without_emoji():
    assert widest_pieces("а бб 🌹🌹🌹🌹 ввв-г", count=2) == ["ввв-г", "бб"]
    assert widest_pieces("🌹🌹🌹") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("звонить 8 701 123 45 67, не раньше 9", "звонить •••, не раньше 9"),
        ("+7(701)123-45-67/+77770001122", "•••/•••"),
        ("25 роз, 60 см, к 14:00", "25 роз, 60 см, к 14:00"),
    ],
)
def test_without_phones_masks_phones_and_keeps_other_numbers(text, expected):
    assert without_phones(text) == expected


@given(texts)
def test_without_phones_leaves_no_phone_number(text):
    assert not list(phonenumbers.PhoneNumberMatcher(without_phones(text), "KZ"))


def test_shown_text_keeps_phones_only_with_permission(db, manager):
    text = "Абая 150, тел 87055556677"
    assert shown_text(manager, text) == text
    assert shown_text(AnonymousUser(), text) == "Абая 150, тел •••"
