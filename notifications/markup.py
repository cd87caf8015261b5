"""Functions that escape texts for Telegram's HTML and keep messages within the length limit.

Like Telegram, the functions count the length in UTF-16 code units. Their length includes escapes and tags. Therefore
the limit is slightly stricter than in Telegram, which counts the text without tags
(https://core.telegram.org/bots/api#sendmessage).
"""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LIMIT = 4096
"""The maximum length of a message, in UTF-16 code units."""
ELLIPSIS = "…"

# Control characters, unpaired surrogates, and characters that change the text direction. The joiners within emoji are
# not removed.
_REMOVED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """Return the text without control characters, with `\\n` as line break and at most one empty line in a row."""
    text = _REMOVED.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def units(text: str) -> int:
    """Return the length of the text in UTF-16 code units."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def fit(text: str, limit: int) -> str:
    """Return the escaped text, cut to at most `limit` code units, but not within an entity or a surrogate pair."""
    text = clean(text)
    if len(text) <= limit and units(escaped := html.escape(text)) <= limit:
        return escaped
    included: list[str] = []
    left = limit - units(ELLIPSIS)
    for char in text:
        piece = html.escape(char)
        left -= units(piece)
        if left < 0:
            break
        included.append(piece)
    return "".join(included).rstrip() + ELLIPSIS if limit >= units(ELLIPSIS) else ""


def line(text: str, limit: int = 120) -> str:
    """Return the escaped text on one line, cut to at most `limit` code units."""
    # str.split() would also replace the no-break space in a sum.
    return fit(re.sub("[ \n\u2028\u2029]+", " ", clean(text)), limit)


@dataclass(frozen=True, slots=True)
class LongText:
    """A part of a message that may be cut: a prefix (HTML) and a raw text."""

    prefix: str
    text: str

    @property
    def length(self) -> int:
        """Return the length of the complete part, in code units."""
        return units(self.prefix) + units(html.escape(clean(self.text)))

    def fit(self, limit: int) -> str:
        """Return the part as HTML, cut to at most `limit` code units."""
        return self.prefix + fit(self.text, limit - units(self.prefix)) if limit > units(self.prefix) else ""


@dataclass(frozen=True, slots=True)
class LongList:
    """A list that may be cut: lines of HTML, and a function that returns the text for the omitted lines."""

    lines: Sequence[str]
    rest: Callable[[int], str]

    @property
    def length(self) -> int:
        """Return the length of the complete list, in code units."""
        return sum(units(one) + 1 for one in self.lines)

    def fit(self, limit: int) -> str:
        """Return as many complete lines as fit into `limit` code units, and the number of omitted lines."""
        if self.length <= limit:
            return "\n".join(self.lines)
        # The plural forms of the text differ in length.
        left = limit - max(units(self.rest(count)) for count in (1, 2, len(self.lines)))
        if left < 0:
            return ""
        included: list[str] = []
        for one in self.lines:
            left -= units(one) + 1
            if left < 0:
                break
            included.append(one)
        return "\n".join([*included, self.rest(len(self.lines) - len(included))])


def compose(parts: Sequence[str | LongText | LongList], limit: int = LIMIT) -> str:
    """Return the parts joined by line breaks, within the limit.

    The parts that may be cut share the remaining length. The shortest part gets its share first.
    """
    present = [part for part in parts if part]
    long_parts = [part for part in present if not isinstance(part, str)]
    left = limit - sum(units(part) for part in present if isinstance(part, str)) - len(present)
    limits: dict[int, int] = {}
    for count, part in enumerate(sorted(long_parts, key=lambda one: one.length)):
        share = min(part.length, max(left, 0) // (len(long_parts) - count))
        limits[id(part)] = share
        left -= share
    texts = (part if isinstance(part, str) else part.fit(limits[id(part)]) for part in present)
    return "\n".join(text for text in texts if text)
