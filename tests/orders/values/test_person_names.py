"""Tests of the comparison of names that people have typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.values.person_names import are_compatible, have_name, is_fuller

COMPATIBLE = [
    ("Айгерим", "Айгерим"),
    ("Айгерим", "айгерим "),
    ("Айгерим", "Айгерим С."),
    ("Айгерим", "Серикова Айгерим"),
    ("Айгерим С.", "Айгерим Серикова"),
    ("Серикова А.", "Айгерим Серикова"),
    ("Айгерим", "Айгерім"),
    ("Айгерим", "Aigerim"),
    ("Айгерим", "Aygerim S."),
    ("Айгуль Шарипова", "Aigul Sharipova"),
    ("Елена", "Yelena"),
    ("Наталья", "Natalya"),
    ("Юлия", "Yuliya"),
    ("Жанар", "Janar"),
    ("Александр", "Alexandr"),
    ("Қайрат", "Кайрат"),
    ("Щербакова Мария", "Mariya Shcherbakova"),
    ("Алла", "Ала"),
    ("Артём", "Артем"),
]
DIFFERENT = [
    ("Айгерим", "Данияр"),
    ("Айгерим С.", "Айгерим К."),
    ("Айгерим Серикова", "Данияр Сериков"),
    ("Ким Анна", "Ким Борис"),
    ("Сергей", "Сергеева"),
    ("А. С.", "Айгерим Серикова"),  # initials alone are those of many people
    ("", "Айгерим"),
    ("—", "Айгерим"),
    ("", ""),
    ("Клиент", "Клиент"),
]


@pytest.mark.parametrize(("one", "other"), COMPATIBLE)
def test_names_of_one_person_are_compatible(one, other):
    assert are_compatible(one, other)
    assert are_compatible(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_names_of_two_people_are_not_compatible(one, other):
    assert not are_compatible(one, other)
    assert not are_compatible(other, one)


@pytest.mark.parametrize(
    "text", ["", " ", "—", "🌷", "77", "Анонимный пользователь", "клиент", "Гость", "НЕТ", "аноним"]
)
def test_text_without_a_name_names_no_one(text):
    assert not have_name(text)


@pytest.mark.parametrize(
    ("new", "known", "expected"),
    [
        ("Айгерим С.", "Айгерим", True),
        ("Айгерим Серикова", "Айгерим С.", True),
        ("Айгерим", "Айгерим С.", False),
        ("Айгерим", "Айгерим", False),
        ("Aigerim", "Айгерим", False),
        ("Данияр Сериков", "Айгерим", False),
    ],
)
def test_fuller_name_has_more_words(new, known, expected):
    assert is_fuller(new, known) is expected


@given(st.text(max_size=150), st.text(max_size=150))
def test_any_texts_are_compared_in_both_directions_alike(one, other):
    assert are_compatible(one, other) == are_compatible(other, one)
    assert are_compatible(one, one) == have_name(one)
