"""The conversion of texts to the form that both sides store.

This form has no HTML entities and no control characters, and it has LF instead of `<br>` and CRLF. Texts from the site
are converted when they are read, and texts of staff before they are stored. Otherwise a text would return from the site
in a different form and count as a change.
"""

import html
import re

# The semicolon is required. Without it, "R&amp" and "?a=1&copy=2" would be changed.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# PHP's nl2br inserts the tag before the line break, and does not remove the line break.
_BREAK = re.compile(r"<br\s*/?>(?:\r\n|\n|\r)?", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_SURROGATES = re.compile("[\ud800-\udfff]+")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def storable_text(text: str) -> str:
    """Return `text` without NUL and lone surrogates, which PostgreSQL can't store."""
    if text.isprintable():
        return text
    if _SURROGATES.search(text):
        # A surrogate pair becomes the character that it encodes. A lone surrogate is removed.
        text = _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)
        text = _SURROGATES.sub("", text)
    return text.replace("\0", "")


def clean_lines(raw: str, *, breaks: bool) -> str:
    """Return a text of several lines, with entities resolved once, LF as line break and no control characters.

    White space at both ends is removed, as in Django's forms, so opening and saving an order changes nothing. With
    `breaks`, a `<br>` becomes a line break.
    """
    text = unescape(raw)
    if text.isprintable() and not (breaks and "<" in text):
        return text.strip()
    if breaks:
        text = _BREAK.sub("\n", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", storable_text(text)).strip()


def clean_line(raw: str) -> str:
    """Return a text of one line, cleaned like `clean_lines` and with each run of white space replaced by one space."""
    text = raw if raw.isprintable() and "&" not in raw else clean_lines(raw, breaks=False)
    return " ".join(text.split())


def unescape(text: str) -> str:
    """Resolve HTML entities once. `GetNext()` of the old Bitrix API escapes values that `Fetch()` returns unchanged."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text) if "&" in text else text
