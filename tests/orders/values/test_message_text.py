"""Tests of the texts of message templates: mistakes, and what is left out if a value is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.values.languages import Language, language_of
from orders.values.message_text import PLACEHOLDERS, filled, mistakes, names_in

VALUES = {"номер": "122183", "имя": "Анна", "время": "15:00–16:00", "адрес": "ул. Абая 150, кв. 25"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Здравствуйте, {имя}!", "Здравствуйте, Анна!"),
        ("Здравствуйте, { ИМЯ }!", "Здравствуйте, Анна!"),
        ("Заказ № {номер}. Курьер: {курьер}. Спасибо!", "Заказ № 122183. Спасибо!"),
        ("Курьер: {курьер}.", ""),
        ("Здравствуйте[, {курьер}]! Заказ {номер}.", "Здравствуйте! Заказ 122183."),
        ("Здравствуйте[, {имя}]!", "Здравствуйте, Анна!"),
        ("Доставка: {время}[, {курьер} и {имя}].", "Доставка: 15:00–16:00."),
        ("Едем: ул. {курьер}. Ждите.", "Ждите."),
        ("Адрес: {адрес}. Верно?", "Адрес: ул. Абая 150, кв. 25. Верно?"),
        ("Сумма {сумма}\nНомер {номер}", "Номер 122183"),
        ("Раз\n\n{сумма}\n\nДва", "Раз\n\nДва"),
        ("Цена 1.5 и {номер}", "Цена 1.5 и 122183"),
        ("Уже едем... {курьер} скоро будет. Ждите", "Уже едем... Ждите"),
    ],
)
def test_text_is_filled_and_leaves_no_hole(text, expected):
    assert filled(text, VALUES) == expected


def test_value_is_not_searched_for_placeholders_and_sentences():
    assert filled("Вас ждёт {имя}. Всё.", {"имя": "{номер}. [Нет] {x}"}) == "Вас ждёт {номер}. [Нет] {x}. Всё."


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Привет, {иимя}", "{иимя}"),
        ("Привет, {}", "{}"),
        ("Привет, {имя", "{имя"),
        ("Привет, имя}", "}"),
        ("Привет[, {имя}", "[, "),
        ("Привет, {имя}]", "]"),
        ("Привет[, [{имя}]]", "["),
        ("Привет[, дорогой друг]", "[, дорогой друг]"),
    ],
)
def test_mistake_is_named_in_russian(text, word):
    (message,) = mistakes(text)
    assert word in message
    assert message != message.encode("ascii", "ignore").decode()


def test_every_placeholder_is_accepted():
    text = " ".join(f"[{{{name}}}] {{{name.upper()}}}" for name in PLACEHOLDERS)
    assert mistakes(text) == []
    assert names_in(text) == set(PLACEHOLDERS)


pieces = st.sampled_from(
    ["{имя}", "{номер}", "{курьер}", "[, {имя}]", "[{курьер}]", ". ", "! ", "\n", "Слово ", "ул. "]
)


@given(st.lists(pieces, max_size=30).map("".join), st.sets(st.sampled_from(["имя", "номер", "курьер"])))
def test_filled_text_has_no_brackets_and_no_spaces_at_ends(text, known):
    result = filled(text, dict.fromkeys(known, "Значение"))
    assert not set("{}[]") & set(result)
    assert result == result.strip()
    assert "\n\n\n" not in result


@given(st.text(max_size=300))
def test_any_text_is_checked_and_filled(text):
    mistakes(text)
    assert isinstance(filled(text, {}), str)


@pytest.mark.parametrize(
    ("text", "language"),
    [("Айгүл", "kk"), ("Туған күніңмен!", "kk"), ("ӘЖЕ", "kk"), ("Айгерим", "ru"), ("", "ru"), ("Aigul", "ru")],
)
def test_language_is_recognised_by_letters(text, language):
    assert language_of(text) == Language(language)
