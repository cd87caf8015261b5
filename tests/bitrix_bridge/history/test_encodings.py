"""Tests of the repair of texts that were decoded in a wrong encoding, and of correct texts that are not changed."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bitrix_bridge.history.encodings import decode, has_lost_characters, is_broken, repair

RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
KAZAKH = "әғқңөұүһіӘҒҚҢӨҰҮҺІ"
PUNCTUATION = " .,!?-—«»№\n0123456789"


def broken_by(text: str, encoding: str) -> str:
    """Return the result of decoding the UTF-8 bytes of the text in a different encoding."""
    return "".join(bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in text.encode("utf-8"))


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("Ð‘ÑƒÐºÐµÑ‚", "Букет"),
        ("Р‘СѓРєРµС‚", "Букет"),
        ("С Р”РЅС‘Рј СЂРѕР¶РґРµРЅРёСЏ!".replace("С Р", "РЎ Р"), "С Днём рождения!"),
        (broken_by("🌹 Құттықтаймын, Әсел!", "cp1251"), "🌹 Құттықтаймын, Әсел!"),
        (broken_by("🌹 Құттықтаймын, Әсел!", "cp1252"), "🌹 Құттықтаймын, Әсел!"),
        (broken_by("ЁШӨ", "cp1251"), "ЁШӨ"),
        (broken_by(broken_by("Букет", "cp1251"), "cp1251"), "Букет"),
        ("Áóêåò «Ðîçû» — 5 øò., ¹ 7", "Букет «Розы» — 5 шт., № 7"),
    ],
)
def test_broken_text_is_repaired(broken, whole):
    assert repair(broken) == whole


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Bouquet",
        "Букет «Стандарт» № 5",
        "СССР, Рёв, Сёмга, Тёплый приём",
        "РС — СТ, «Р»",
        "РёРё, РЁРЁ",
        "Ñandú à côté",
        "Fête, naïveté, Über, œuvre",
        "С днём рождения!\n💐",
        "Ұлы дала, Сәуле",
    ],
)
def test_intact_text_is_not_changed(text):
    assert repair(text) is None
    assert not is_broken(text)


@given(st.text(RUSSIAN + KAZAKH + PUNCTUATION, min_size=1))
def test_random_intact_text_is_not_changed(text):
    assert repair(text) is None


@given(st.text(RUSSIAN + KAZAKH, min_size=3), st.sampled_from(["cp1251", "cp1252"]))
def test_random_text_broken_once_is_repaired(text, encoding):
    assume(set(text) - set("иШӨ"))  # These letters, wrongly decoded, look like the start of a word: "РёРё".
    assert repair(broken_by(text, encoding)) == text


@given(st.text())
def test_repair_of_any_text_raises_no_error(text):
    repair(text)
    is_broken(text)


@given(st.binary())
def test_any_bytes_are_decoded_without_nul(raw):
    text, is_repaired = decode(raw)
    assert "\0" not in text
    assert is_repaired or text.encode("utf-8") == raw.replace(b"\0", b"")


def test_bytes_that_are_not_utf8_are_decoded_as_cp1251():
    assert decode("Букет".encode("cp1251")) == ("Букет", True)
    assert decode("Букет".encode()) == ("Букет", False)


def test_lost_letters_and_emoji_are_detected():
    assert is_broken("Бук\ufffdт")
    assert is_broken(broken_by("Букет роз", "cp1251")[:-1])
    assert has_lost_characters("С днём рождения ????")
    assert not has_lost_characters("Правда?? Да???")
