"""Repair of texts whose letters were broken on their way through encodings, where the result is certain.

A site that once spoke cp1251 or latin1 to a database of UTF-8 has stored `Р‘СѓРєРµС‚` or `Ð‘ÑƒÐºÐµÑ‚` for `Букет`; one
that kept cp1251 in tables of latin1 has `Áóêåò`.

The repair is our own because ftfy 6.3 leaves `Áóêåò` as it is (it knows no cp1251 in latin1) and also every fifth short
word read as cp1251, such as `РЃРЁУЁ` for `ЁШӨ`, and it changes whole texts such as `3№«` to `3鹫`.
"""

import re
from collections.abc import Iterable

_FROM_CP1251 = re.compile(
    r"[РСТУ][\u00a0-\u00bf\u0401-\u040f\u0450-\u045f\u0490\u0491\u2013-\u203a\u20ac\u2116\u2122\u0098]"
)
_FROM_CP1252 = re.compile(r"[ÐÑÒÓð][\u0080-\u00bf\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122Ÿ]")
_CP1251_IN_LATIN1 = re.compile(r"[À-ÿ]{3}")
"""No language writes three such letters one after another."""
_CERTAIN = 2
"""So many pairs before a text is suspected: one may be a misprint."""
# What the shop's texts are made of. A wrong guess gives letters of other alphabets.
_KNOWN = re.compile(
    r"[\x00-\x7f\u00a0-\u00bfа-яёА-ЯЁәғқңөұүһіӘҒҚҢӨҰҮҺІ\u2010-\u203e\u2116\u20b8\u20ac\u2190-\u2bff\u2600-\u27bf\ufe0f\u200d"
    r"\U0001f000-\U0001faff]*"
)
_CYRILLIC = re.compile(r"[а-яёА-ЯЁәғқңөұүһіӘҒҚҢӨҰҮҺІ]|[\u2600-\u27bf\U0001f000-\U0001faff]")
_LOST = re.compile(r"\?{4,}")
"""What MySQL's three-byte UTF-8 keeps of an emoji: a question mark for each of its four bytes."""


def decode(raw: bytes) -> tuple[str, bool]:
    """Return the text of a column, and whether its bytes were not the UTF-8 that they had to be.

    NUL, which PostgreSQL's texts can't hold, is left out.
    """
    raw = raw.replace(b"\0", b"")
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        return raw.decode("cp1251", "replace"), True


def repair(text: str) -> str | None:
    """Return what the text was before its letters were broken; None when it is not broken, or not for sure."""
    for pattern, encoding in ((_FROM_CP1251, "cp1251"), (_FROM_CP1252, "cp1252")):
        pairs = pattern.findall(text)
        if len(pairs) < _CERTAIN or not _unlike_words(pairs):
            continue
        whole = _again(text, encoding)
        if whole is None:
            continue
        if (twice := repair(whole)) is not None:
            return twice
        if _CYRILLIC.search(whole) and _KNOWN.fullmatch(whole):
            return whole
    if _CP1251_IN_LATIN1.search(text) and not _CYRILLIC.search(text):
        whole = text.encode("cp1252", "replace").decode("cp1251", "replace")
        if _KNOWN.fullmatch(whole) and whole.count("?") == text.count("?"):
            return whole
    return None


def is_broken(text: str) -> bool:
    """Return whether letters are lost for good, or broken in a way that cannot be repaired."""
    if "\ufffd" in text:
        return True
    return any(len(_unlike_words(pattern.findall(text))) > _CERTAIN for pattern in (_FROM_CP1251, _FROM_CP1252))


def _unlike_words(pairs: Iterable[str]) -> list[str]:
    """Return the pairs that no word has: "Рё" is broken "и", and also how many a Russian word begins."""
    return [pair for pair in pairs if pair[1] not in "ёЁ"]


def has_lost_characters(text: str) -> bool:
    """Return whether question marks stand where a database could not keep emoji."""
    return bool(_LOST.search(text))


def _again(text: str, encoding: str) -> str | None:
    broken = bytearray()
    for letter in text:
        try:
            broken += letter.encode(encoding)
        except UnicodeEncodeError:
            if ord(letter) > 0xFF:
                return None
            broken.append(ord(letter))  # bytes that the code page leaves open
    try:
        return broken.decode("utf-8")
    except UnicodeDecodeError:
        return None
