"""Bringing text to the form that both sides store: no HTML entities, `<br>` and CRLF as LF, no control characters.

Texts of the site are brought to it when they are read, texts of staff before they are stored. Otherwise a text would
return from the site in another form, and would count as a change.
"""

import html
import re

# The semicolon is required; without it, "R&amp" and "?a=1&copy=2" would be changed.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# PHP's nl2br writes the tag before the line break and keeps the line break.
_BREAK = re.compile(r"<br\s*/?>(?:\r\n|\n|\r)?", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_SURROGATES = re.compile("[\ud800-\udfff]+")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def storable_text(text: str) -> str:
    """Return `text` without NUL and lone surrogates, which PostgreSQL can't store."""
    if _SURROGATES.search(text):
        # A surrogate pair becomes the character that it encodes; a lone surrogate is dropped.
        text = _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)
        text = _SURROGATES.sub("", text)
    return text.replace("\0", "")


def clean_lines(raw: str, *, breaks: bool) -> str:
    """Return a text of several lines: entities resolved once, line breaks as LF, no control characters.

    Both ends are stripped, as Django's forms do, so that opening and saving an order changes nothing.
    """
    text = unescape(raw)
    if breaks:
        text = _BREAK.sub("\n", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", storable_text(text)).strip()


def clean_line(raw: str) -> str:
    """Return a text of one line: as `clean_lines`, with each run of white space as one space."""
    return " ".join(clean_lines(raw, breaks=False).split())


def unescape(text: str) -> str:
    """Resolve HTML entities once, because `GetNext()` of the old API escapes values that `Fetch()` returns raw."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)
