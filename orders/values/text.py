"""Text in the one form that both sides keep: HTML entities resolved, `<br>` and CRLF as LF, no control characters.

What the site sends is brought to it when it is read, and what staff type before it is stored: otherwise a text would
come back from the site in another form than it left in, and look like a change.
"""

import html
import re

# Only with the semicolon: without it, "R&amp" and "?a=1&copy=2" would be mangled.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# PHP's nl2br writes the tag in front of the line break that it keeps.
_BREAK = re.compile(r"<br\s*/?>(?:\r\n|\n|\r)?", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_SURROGATES = re.compile("[\ud800-\udfff]+")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def storable_text(text: str) -> str:
    """Return `text` without NUL and lone surrogates, neither of which PostgreSQL stores."""
    if _SURROGATES.search(text):
        # Two halves that belong together become the character they stand for; a lone half is dropped.
        text = _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)
        text = _SURROGATES.sub("", text)
    return text.replace("\0", "")


def clean_lines(raw: str, *, breaks: bool) -> str:
    """Return a text of several lines: entities resolved once, line breaks as LF, no control characters.

    The ends are stripped as a form of ours would strip them, so that opening and saving an order changes nothing.
    """
    text = unescape(raw)
    if breaks:
        text = _BREAK.sub("\n", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", storable_text(text)).strip()


def clean_line(raw: str) -> str:
    """Return a text of one line: as above, runs of white space as one space."""
    return " ".join(clean_lines(raw, breaks=False).split())


def unescape(text: str) -> str:
    """Resolve HTML entities once: `GetNext()` of the old API escapes what `Fetch()` gives raw."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)
