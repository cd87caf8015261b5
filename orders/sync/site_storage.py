"""What the site keeps of a value that the CRM sends: the letters, lengths and decimals that it can store.

A site may keep less than it is sent. A database in MySQL's three-byte utf8 has no emoji, one in cp1251 has no Kazakh
letters, columns have a maximum length, and forms remove white space and tags. The value then comes back damaged. That
is not a change made on the site, and `explain` recognises it. The functions are pure.
"""

import html
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Any, Self

TEXTS = frozenset(
    {"recipient_name", "recipient_phone", "delivery_address", "postcard_text", "comment", "courier_comment"}
)
"""The fields with a text that the site may store in a different form."""
AMOUNTS = frozenset({"total_amount", "delivery_fee"})
ITEMS = "items"
EXPLAINED = TEXTS | AMOUNTS | {ITEMS}
"""The fields in which a different value can be ours, damaged by the site."""
PRICE, QUANTITY = "price", "quantity"

UTF8MB4, UTF8MB3, CP1251 = "utf8mb4", "utf8mb3", "cp1251"
_NAMES = {"utf8": UTF8MB3, "utf8mb3": UTF8MB3, "utf8mb4": UTF8MB4, "cp1251": CP1251, "windows-1251": CP1251}
_NARROWER = (CP1251, UTF8MB3, UTF8MB4)
"""The known charsets. A charset earlier in this list has none of the letters that a later one lacks."""
USUAL_LENGTHS = (50, 60, 64, 70, 80, 100, 120, 128, 150, 160, 200, 250, 255, 256, 300, 400, 500, 512, 1000, 2000, 65535)
"""The lengths at which a text may be cut if the length of the column is not known."""
_SHORTEST_IN_BYTES = 250
"""Only long columns count bytes. A shorter usual length would explain too many texts that a person has shortened."""
_MOST_LENGTH = 16_000_000
_MOST_COMPARED = 70_000
"""The maximum length of a text that is compared in different forms."""
_PHONE_DIGITS = 10


class Loss(StrEnum):
    """What the site did to a value. The texts for staff are in `orders.presentation.losses`."""

    LETTERS = "letters"
    LENGTH = "length"
    DECIMALS = "decimals"
    FORM = "form"
    """White space, line breaks, tags, entities, the form of Unicode, or the format of a phone."""
    OTHER = "other"
    """Anything else that the site did to the value in the same save."""


@dataclass(frozen=True, slots=True)
class TextLimit:
    """The letters and the length that the site can store in one field. An unknown limit is empty or None."""

    charset: str = ""
    length: int | None = None
    is_in_bytes: bool = False

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Return the limit from its JSON value. A value of an unknown form counts as an unknown limit."""
        data = data if isinstance(data, Mapping) else {}
        length = data.get("length")
        is_length = isinstance(length, int) and not isinstance(length, bool) and 0 < length <= _MOST_LENGTH
        return cls(known_charset(data.get("charset")), length if is_length else None, data.get("is_in_bytes") is True)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON value of the limit."""
        return {"charset": self.charset, "length": self.length, "is_in_bytes": self.is_in_bytes}

    def cut(self, text: str) -> str:
        """Return the beginning of the text that fits."""
        if self.length is None:
            return text
        return _cut_bytes(text, self.length, self.charset) if self.is_in_bytes else text[: self.length]


UNKNOWN = TextLimit()


@dataclass(frozen=True, slots=True)
class SiteLimits:
    """What the site is known to store. A field without an entry has no known limit."""

    texts: Mapping[str, TextLimit] = field(default_factory=dict)
    """The names of fields in the CRM -> their limits."""
    decimals: Mapping[str, int] = field(default_factory=dict)
    """`price` and `quantity` -> the decimals that the site keeps."""

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Return the limits from their JSON value. Entries of an unknown form are left out."""
        data = data if isinstance(data, Mapping) else {}
        texts, decimals = data.get("texts"), data.get("decimals")
        return cls(
            {name: TextLimit.from_json(one) for name, one in texts.items() if name in TEXTS}
            if isinstance(texts, Mapping)
            else {},
            {
                name: decimals[name]
                for name in (PRICE, QUANTITY)
                if isinstance(decimals.get(name), int) and 0 <= decimals[name] <= 8
            }
            if isinstance(decimals, Mapping)
            else {},
        )

    def as_json(self) -> dict[str, Any]:
        """Return the JSON value of the limits."""
        return {"texts": {name: one.as_json() for name, one in self.texts.items()}, "decimals": dict(self.decimals)}

    def of(self, name: str) -> TextLimit:
        """Return the limit of a field."""
        return self.texts.get(name, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A value that the site keeps in place of ours."""

    ours: Any
    theirs: Any
    losses: tuple[str, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the pair of values from its JSON value."""
        return cls(data.get("ours"), data.get("theirs"), tuple(map(str, data.get("losses") or ())))

    def as_json(self) -> dict[str, Any]:
        """Return the JSON value of the pair."""
        return {"ours": self.ours, "theirs": self.theirs, "losses": list(self.losses)}


def known_charset(name: Any) -> str:
    """Return MySQL's name of a charset that this module knows, or an empty string."""
    return _NAMES.get(name.strip().lower(), "") if isinstance(name, str) else ""


def narrowest(charsets: Sequence[str]) -> str:
    """Return the charset that has the fewest letters, or an empty string if none is known."""
    known = [charset for charset in charsets if charset in _NARROWER]
    return min(known, key=_NARROWER.index, default="")


def missing_letters(text: str, charset: str) -> str:
    """Return the different letters of the text that the charset does not have, in the order of the text."""
    return "".join(dict.fromkeys(letter for letter in text if not _has_letter(charset, letter)))


def explain(name: str, ours: Any, theirs: Any, limits: SiteLimits) -> tuple[Loss, ...] | None:
    """Return what the site has lost of our value if that explains the site's value, otherwise None.

    Both values are in comparable form and differ. A length is an explanation if it is the length of the column, or if
    the column is unknown and the length is usual.
    """
    if name in AMOUNTS:
        return _of_decimals(ours, theirs, limits.decimals.get(PRICE))
    if name == ITEMS:
        return _of_items(ours, theirs, limits)
    if name not in TEXTS or not (isinstance(ours, str) and isinstance(theirs, str)):
        return None
    if max(len(ours), len(theirs)) > _MOST_COMPARED:
        return None
    if name == "recipient_phone" and _is_same_phone(ours, theirs):
        return (Loss.FORM,)
    return _of_text(ours, theirs, limits.of(name))


def expected_text(text: str, limit: TextLimit) -> str:
    """Return the text as the site will show it: with "?" for letters that it does not have, and cut to its length."""
    if limit.charset:
        text = "".join(letter if _has_letter(limit.charset, letter) else "?" for letter in text)
    return limit.cut(text).rstrip()


def losses_of(text: str, limit: TextLimit) -> tuple[Loss, ...]:
    """Return what the site will lose of a text that is not sent yet, as far as its limits are known."""
    losses = [Loss.LETTERS] if limit.charset and missing_letters(text, limit.charset) else []
    if limit.cut(text) != text:
        losses.append(Loss.LENGTH)
    return tuple(losses)


@lru_cache(maxsize=4096)
def _has_letter(charset: str, letter: str) -> bool:
    if charset == UTF8MB3:
        return ord(letter) <= 0xFFFF
    if charset == CP1251:
        try:
            letter.encode("cp1251")
        except UnicodeEncodeError:
            return False
    return True


def _cut_bytes(text: str, length: int, charset: str) -> str:
    encoding = "cp1251" if charset == CP1251 else "utf-8"
    return text.encode(encoding, "replace" if charset == CP1251 else "surrogatepass")[:length].decode(
        encoding, "ignore"
    )


def _of_text(ours: str, theirs: str, limit: TextLimit) -> tuple[Loss, ...] | None:
    wanted, wanted_form = theirs.strip(), _form(theirs)
    for kept, has_lost_letters in _without_letters(ours):
        losses = [Loss.LETTERS] if has_lost_letters else []
        if kept.strip() == wanted:
            return tuple(losses) or (Loss.FORM,)
        form = _form(kept)
        if form == wanted_form:
            return (*losses, Loss.FORM)
        if _is_cut(kept, wanted, limit):
            return (*losses, Loss.LENGTH)
        if _is_cut(form, wanted_form, limit) or (len(kept) > len(wanted) and _is_cut_form(kept, wanted_form, limit)):
            return (*losses, Loss.LENGTH, Loss.FORM)
    return None


def _without_letters(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the text, and what is left of it if the site's charset lacks some of its letters."""
    yield text, False
    for charset in (UTF8MB3, CP1251):
        missing = frozenset(missing_letters(text, charset))
        if not missing:
            continue
        # MySQL cuts the text at the letter, or replaces it, or replaces each of its bytes. PHP replaces each half of a
        # surrogate pair.
        replacements: tuple[Callable[[str], str], ...] = (
            lambda _letter: "?",
            lambda letter: "?" * len(letter.encode()),
            lambda letter: "?" * (len(letter.encode("utf-16-le")) // 2),
            lambda _letter: "\N{REPLACEMENT CHARACTER}",
            lambda _letter: "",
        )
        for replaced in replacements:
            yield "".join(replaced(letter) if letter in missing else letter for letter in text), True
        yield text[: next(place for place, letter in enumerate(text) if letter in missing)], True


def _is_cut(text: str, wanted: str, limit: TextLimit) -> bool:
    """Return whether the site's text is the beginning of the text, cut at the length of the column."""
    if len(wanted) >= len(text) or not text.startswith(wanted):
        return False
    limits = [limit] if limit.length is not None else [TextLimit(limit.charset, n, b) for n, b in _usual(len(text))]
    return any(one.cut(text).strip() == wanted for one in limits)


def _is_cut_form(text: str, wanted_form: str, limit: TextLimit) -> bool:
    return limit.length is not None and limit.cut(text) != text and _form(limit.cut(text)) == wanted_form


def _usual(longest: int) -> Iterator[tuple[int, bool]]:
    for length in USUAL_LENGTHS:
        if length < 4 * longest:
            yield length, False
            if length >= _SHORTEST_IN_BYTES:
                yield length, True


def _form(text: str) -> str:
    """Return the text without differences in white space, entities, tags, invisible characters and Unicode's form."""
    for _level in range(2):
        text = html.unescape(text)
    text = unicodedata.normalize("NFC", _without_tags(text))
    return " ".join("".join(letter for letter in text if unicodedata.category(letter) != "Cf").split())


def _without_tags(text: str) -> str:
    if "<" not in text:
        return text
    parts, place = [], 0
    while (start := text.find("<", place)) >= 0:
        end = text.find(">", start)
        if end < 0:
            break
        is_tag = text[start + 1 : start + 2].isalpha() or text[start + 1 : start + 2] in ("/", "!")
        parts.append(text[place:start] + (" " if is_tag else text[start : end + 1]))
        place = end + 1
    return "".join(parts) + text[place:]


def _is_same_phone(ours: str, theirs: str) -> bool:
    mine, other = ("".join(letter for letter in text if letter in "0123456789") for text in (ours, theirs))
    return len(mine) >= _PHONE_DIGITS and mine[-_PHONE_DIGITS:] == other[-_PHONE_DIGITS:]


def _of_decimals(ours: Any, theirs: Any, known: int | None) -> tuple[Loss, ...] | None:
    try:
        mine, other = Decimal(str(ours)), Decimal(str(theirs))
    except InvalidOperation:
        return None
    if not (mine.is_finite() and other.is_finite()) or max(abs(mine), abs(other)) > 10**15:
        return None
    if mine == other:
        return ()
    for decimals in (0, 1, 2) if known is None else (known,):
        step = Decimal(1).scaleb(-decimals)
        if any(mine.quantize(step, rule) == other for rule in (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN)):
            return (Loss.DECIMALS,)
    return None


def _of_items(ours: Any, theirs: Any, limits: SiteLimits) -> tuple[Loss, ...] | None:
    """Return the loss if the items differ only in the decimals of prices and quantities, or in what a name has lost."""
    if not (isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs)):
        return None
    losses: dict[Loss, None] = {}
    left = list(theirs)
    for line in ours:
        for other in left:
            found = _of_line(line, other, limits)
            if found is not None:
                losses |= dict.fromkeys(found)
                left.remove(other)
                break
        else:
            return None
    return tuple(losses) or None


def _of_line(line: Any, other: Any, limits: SiteLimits) -> tuple[Loss, ...] | None:
    if line == other:
        return ()
    if not (isinstance(line, list | tuple) and isinstance(other, list | tuple) and len(line) == len(other) == 3):
        return None
    names = _of_name(line[0], other[0])
    quantities = _of_decimals(line[1], other[1], limits.decimals.get(QUANTITY))
    prices = _of_decimals(line[2], other[2], limits.decimals.get(PRICE))
    if names is None or quantities is None or prices is None:
        return None
    return (*names, *quantities, *prices)


def _of_name(ours: Any, theirs: Any) -> tuple[Loss, ...] | None:
    if ours == theirs:
        return ()
    if not (isinstance(ours, str) and isinstance(theirs, str)):
        return None
    return _of_text(ours, theirs, TextLimit(length=255))
