"""Decode the text of a webhook. A site in windows-1251 may send other bytes than UTF-8, with or without saying so."""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SUPPORTED = re.compile(r"utf-(?:8|16|32)(?:-[bl]e)?|cp\d+|iso8859-\d+|koi8-[rtu]|kz1048|ptcp154|mac-cyrillic|ascii")
_UTF_8_LETTER = re.compile(rb"[\xd0-\xd4][\x80-\xbf]")
"""A letter of the blocks of Cyrillic in UTF-8."""


def decode(raw: bytes, charset: str = "") -> str:
    """Return the text. Never raise.

    A byte order mark decides, then UTF-8 if the bytes are valid, then `charset`. Bytes that are none of these are read
    as windows-1251, unless they contain Cyrillic in UTF-8: a text that PHP has cut within a letter. The bytes that
    cannot be read then become U+FFFD.
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return raw.decode(name, errors="replace")
    declared = _supported(charset)
    # A text in UTF-16 without a mark is also valid UTF-8 if it has only Latin letters, with a NUL before each.
    wide = declared.startswith(("utf-16", "utf-32"))
    for name in (declared, "utf-8") if wide else ("utf-8", declared):
        try:
            return raw.decode(name) if name else raw.decode("utf-8")
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8" if _UTF_8_LETTER.search(raw) else "cp1251", errors="replace")


def _supported(charset: str) -> str:
    try:
        name = codecs.lookup(charset.strip()).name if charset.strip() else ""
    except (LookupError, ValueError):
        return ""
    return name if _SUPPORTED.fullmatch(name) else ""
