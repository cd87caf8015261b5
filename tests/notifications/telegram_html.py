"""A strict parser of Telegram's HTML. Telegram accepts every string that this parser accepts.

See https://core.telegram.org/bots/api#html-style.
"""

import html
import re

TAGS = {"b", "i", "u", "s", "code", "pre", "a", "blockquote"}
_TOKEN = re.compile(r"<(/?)([a-z]+)>|&(?:lt|gt|amp|quot|#\d+|#x[0-9a-f]+);|[^<>&]", re.IGNORECASE)


class BadHtmlError(ValueError):
    """The error for a string that Telegram would refuse with "can't parse entities"."""


def read(text: str) -> str:
    """Return the string without its tags. Raise `BadHtmlError` if it is not valid HTML for Telegram."""
    opened: list[str] = []
    shown: list[str] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise BadHtmlError(f"a stray {text[position]!r} at {position}: {text[position : position + 30]!r}")
        position = token.end()
        if token[2] is None:
            shown.append(html.unescape(token[0]))
        elif token[2] not in TAGS:
            raise BadHtmlError(f"Telegram knows no tag {token[2]!r}")
        elif not token[1]:
            opened.append(token[2])
        elif not opened or opened.pop() != token[2]:
            raise BadHtmlError(f"</{token[2]}> closes nothing")
    if opened:
        raise BadHtmlError(f"never closed: {opened}")
    return "".join(shown)


def length(text: str) -> int:
    """Return the length of the string in UTF-16 code units, which Telegram counts."""
    return len(text.encode("utf-16-le")) // 2
