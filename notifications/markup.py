"""Telegram's HTML: escaping, and keeping within the limit of a message.

The limit is counted on the text as it is sent, escapes and tags included, in UTF-16 code units as Telegram counts: a
little stricter than Telegram itself, which takes the tags off first (https://core.telegram.org/bots/api#sendmessage).
"""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LIMIT = 4096
"""UTF-16 code units of one message."""
ELLIPSIS = "…"

# Control characters, halves of surrogate pairs, and marks that turn the direction of whatever follows them. The joiners
# that emoji are made of stay.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """Return the text as it can be shown: without control characters, line breaks as `\\n`, no empty lines in a row."""
    text = _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def units(text: str) -> int:
    """Return the length in UTF-16 code units."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def fit(text: str, room: int) -> str:
    """Escape the text, cut to so many code units; never in the middle of an entity or a surrogate pair."""
    text = clean(text)
    if len(text) <= room and units(escaped := html.escape(text)) <= room:
        return escaped
    kept: list[str] = []
    left = room - units(ELLIPSIS)
    for char in text:
        piece = html.escape(char)
        left -= units(piece)
        if left < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + ELLIPSIS if room >= units(ELLIPSIS) else ""


def line(text: str, room: int = 120) -> str:
    """Escape a short text that must stay on one line."""
    # Not str.split(): it takes the no-break space of a sum for a space.
    return fit(re.sub("[ \n\u2028\u2029]+", " ", clean(text)), room)


@dataclass(frozen=True, slots=True)
class LongText:
    """A part of a message that may be cut: what stands before it (HTML) and the raw text."""

    prefix: str
    text: str

    @property
    def wants(self) -> int:
        """Return the room for all of it, in code units."""
        return units(self.prefix) + units(html.escape(clean(self.text)))

    def fit(self, room: int) -> str:
        """Return as much as fits, as HTML."""
        return self.prefix + fit(self.text, room - units(self.prefix)) if room > units(self.prefix) else ""


@dataclass(frozen=True, slots=True)
class LongList:
    """A list that may be cut: finished lines of HTML, and the words for what was left out."""

    lines: Sequence[str]
    rest: Callable[[int], str]

    @property
    def wants(self) -> int:
        """Return the room for all of it, in code units."""
        return sum(units(one) + 1 for one in self.lines)

    def fit(self, room: int) -> str:
        """Return as many whole lines as fit, and how many more there are."""
        if self.wants <= room:
            return "\n".join(self.lines)
        # Plural forms differ in length.
        left = room - max(units(self.rest(count)) for count in (1, 2, len(self.lines)))
        if left < 0:
            return ""
        kept: list[str] = []
        for one in self.lines:
            left -= units(one) + 1
            if left < 0:
                break
            kept.append(one)
        return "\n".join([*kept, self.rest(len(self.lines) - len(kept))])


def compose(parts: Sequence[str | LongText | LongList], limit: int = LIMIT) -> str:
    """Join the parts, one below the other; the long ones share the room that the others leave, short ones first."""
    present = [part for part in parts if part]
    long_parts = [part for part in present if not isinstance(part, str)]
    left = limit - sum(units(part) for part in present if isinstance(part, str)) - len(present)
    rooms: dict[int, int] = {}
    for count, part in enumerate(sorted(long_parts, key=lambda one: one.wants)):
        room = min(part.wants, max(left, 0) // (len(long_parts) - count))
        rooms[id(part)] = room
        left -= room
    texts = (part if isinstance(part, str) else part.fit(rooms[id(part)]) for part in present)
    return "\n".join(text for text in texts if text)
