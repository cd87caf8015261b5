"""Repair texts that were decoded with a wrong encoding, if the result is certain.

A site that used cp1251 or latin1 with a UTF-8 database stored `Р‘СѓРєРµС‚` or `Ð‘ÑƒÐºÐµÑ‚` for `Букет`. A site that
stored cp1251 in latin1 tables stored `Áóêåò`.

ftfy 6.3 is not used. It does not repair `Áóêåò`, because it does not support cp1251 in latin1. It does not repair every
fifth short word that was decoded as cp1251, such as `РЃРЁУЁ` for `ЁШӨ`. It changes correct texts such as `3№«` to
`3鹫`.
"""

import re
from collections.abc import Iterable

_FROM_CP1251 = re.compile(
    r"[РСТУ][\u00a0-\u00bf\u0401-\u040f\u0450-\u045f\u0490\u0491\u2013-\u203a\u20ac\u2116\u2122\u0098]"
)
_FROM_CP1252 = re.compile(r"[ÐÑÒÓð][\u0080-\u00bf\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122Ÿ]")
_CP1251_IN_LATIN1 = re.compile(r"[À-ÿ]{3}")
"""No language has three such letters in a row."""
_CERTAIN = 2
"""The minimum number of wrongly decoded letters in a text that is repaired. A single one may be a typing error."""
# The characters of the shop's texts. A wrong repair would give letters of other alphabets.
_KNOWN = re.compile(
    r"[\x00-\x7f\u00a0-\u00bfа-яёА-ЯЁәғқңөұүһіӘҒҚҢӨҰҮҺІ\u2010-\u203e\u2116\u20b8\u20ac\u2190-\u2bff\u2600-\u27bf\ufe0f\u200d"
    r"\U0001f000-\U0001faff]*"
)
_CYRILLIC = re.compile(r"[а-яёА-ЯЁәғқңөұүһіӘҒҚҢӨҰҮҺІ]|[\u2600-\u27bf\U0001f000-\U0001faff]")
_LOST = re.compile(r"\?{4,}")
"""MySQL's three-byte UTF-8 stores an emoji as four question marks, one for each byte."""


def decode(raw: bytes) -> tuple[str, bool]:
    """Return the string of a column, and whether its bytes were not UTF-8 and were decoded as cp1251.

    NUL is removed because PostgreSQL can't store it.
    """
    raw = raw.replace(b"\0", b"")
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        return raw.decode("cp1251", "replace"), True


def repair(text: str) -> str | None:
    """Return the original text, or None if the text was decoded correctly or the result is not certain."""
    for pattern, encoding in ((_FROM_CP1251, "cp1251"), (_FROM_CP1252, "cp1252")):
        pairs = pattern.findall(text)
        if len(pairs) < _CERTAIN or not _unlike_words(pairs):
            continue
        whole = _decoded_as_utf8(text, encoding)
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
    """Return whether letters are lost, or are wrongly decoded and cannot be restored."""
    if "\ufffd" in text:
        return True
    return any(len(_unlike_words(pattern.findall(text))) > _CERTAIN for pattern in (_FROM_CP1251, _FROM_CP1252))


def _unlike_words(pairs: Iterable[str]) -> list[str]:
    """Return the pairs of letters that no Russian word contains.

    Many Russian words begin with "Рё", so it may be correct, although it is also a wrongly decoded "и".
    """
    return [pair for pair in pairs if pair[1] not in "ёЁ"]


def has_lost_characters(text: str) -> bool:
    """Return whether the text has question marks in place of emoji that a database could not store."""
    return bool(_LOST.search(text))


def _decoded_as_utf8(text: str, encoding: str) -> str | None:
    broken = bytearray()
    for letter in text:
        try:
            broken += letter.encode(encoding)
        except UnicodeEncodeError:
            if ord(letter) > 0xFF:
                return None
            broken.append(ord(letter))  # a byte that the code page does not define
    try:
        return broken.decode("utf-8")
    except UnicodeDecodeError:
        return None
