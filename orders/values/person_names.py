"""The comparison of names that people have typed: in Cyrillic or Latin letters, whole or shortened."""

import re
import unicodedata
from functools import lru_cache
from itertools import permutations
from typing import NamedTuple

_LONGEST = 100
"""The maximum number of characters that are compared."""
_MOST_WORDS = 5
"""The maximum number of words that are compared. A name with patronymic has three."""

_CYRILLIC = {
    **dict(zip("абвгдеёзийклмнопрстуфхыэъьїє", (*"abvgdeeziiklmnoprstufhie", "", "", "i", "e"), strict=True)),
    **dict(zip("әғқңөұүһіўґ", "agknouuhiug", strict=True)),
    **dict(zip("жцчшщюя", ("zh", "ts", "ch", "sh", "sh", "iu", "ia"), strict=True)),
}
_LATIN = (
    *(("shch", "sh"), ("sch", "sh"), ("dzh", "zh"), ("kh", "h"), ("gh", "g"), ("ph", "f"), ("ck", "k"), ("tz", "ts")),
    *(("j", "zh"), ("q", "k"), ("w", "v"), ("x", "ks"), ("y", "i")),
)
"""Different spellings of one sound, in the sequence in which they are replaced."""
_LATIN_C = re.compile(r"c(?!h)")
_DOUBLE = re.compile(r"(.)\1{1,20}")
_WORD = re.compile(r"[^\W\d_]{1,100}")
_NO_NAMES = frozenset({"anonim", "anonimni", "anonimnipolzovatel", "gost", "klent", "pokupatel", "net", "neizvestno"})
"""Comparable forms of what sites and people write where a name is required."""


class _Word(NamedTuple):
    text: str
    is_initial: bool


def have_name(text: str) -> bool:
    """Return whether the text names a person. “Анонимный пользователь”, “клиент” and “—” do not."""
    return bool(_words(text))


def are_compatible(one: str, other: str) -> bool:
    """Return whether both names can be the name of one person.

    Each word of the shorter name must be a word of the longer name or its initial, and at least one whole word must be
    the same: “Айгерим”, “Aigerim” and “Серикова Айгерим” are compatible with “Айгерим С.”, but “Айгерим К.” is not. Two
    texts that name no one are not compatible.
    """
    shorter, longer = sorted((_words(one), _words(other)), key=len)
    if not shorter:
        return False
    if shorter == longer:
        return True
    return any(
        all(map(_match, shorter, chosen)) and any(map(_is_whole_match, shorter, chosen))
        for chosen in permutations(longer, len(shorter))
    )


def is_fuller(new: str, known: str) -> bool:
    """Return whether a compatible name says more: it has more words, or more whole words."""
    return have_name(new) and are_compatible(new, known) and _size(new) > _size(known)


def _size(text: str) -> tuple[int, int]:
    found = _words(text)
    return len(found), sum(not word.is_initial for word in found)


def _match(one: _Word, other: _Word) -> bool:
    if one.is_initial or other.is_initial:
        return one.text.startswith(other.text) or other.text.startswith(one.text)
    return one.text == other.text


def _is_whole_match(one: _Word, other: _Word) -> bool:
    return not one.is_initial and not other.is_initial


@lru_cache(maxsize=2048)
def _words(text: str) -> tuple[_Word, ...]:
    found = [
        _Word(comparable, is_initial=len(word) == 1)
        for word in _WORD.findall(unicodedata.normalize("NFC", text[:_LONGEST]).casefold())[:_MOST_WORDS]
        if (comparable := _comparable(word))
    ]
    return () if "".join(word.text for word in found) in _NO_NAMES else tuple(found)


def _comparable(word: str) -> str:
    """Return the word in Latin letters, the same for all usual spellings."""
    latin = "".join(_CYRILLIC.get(letter, letter) for letter in word)
    latin = "".join(letter for letter in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(letter))
    for spelling, sound in _LATIN:
        latin = latin.replace(spelling, sound)
    latin = _LATIN_C.sub("k", latin).replace("ie", "e")
    return _DOUBLE.sub(r"\1", latin)
