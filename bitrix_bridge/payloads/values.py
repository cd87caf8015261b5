"""Read flags, texts, phones, delivery slots and codes in the formats in which PHP sends them.

Each function returns a `Reading`. No JSON value raises an exception.
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from bitrix_bridge.payloads.amounts import read_id, read_number
from bitrix_bridge.payloads.reading import Reading
from orders.sync.snapshot import ProblemReason
from orders.values.phones import normalize_phone
from orders.values.slots import KEY_LENGTH, parse_slot, slot_key
from orders.values.text import clean_line, clean_lines

_FLAGS = dict.fromkeys(("y", "yes", "true", "1", "on", "да"), True)
_FLAGS |= dict.fromkeys(("n", "no", "false", "0", "off", "нет"), False)


def read_flag(raw: Any) -> Reading[bool]:
    """Read `Y`, `N` and similar values. An empty raw value gives None; in Bitrix's char(1) columns it means no."""
    if isinstance(raw, bool):
        return Reading(raw)
    if raw is None or raw == "" or raw == []:
        return Reading()
    if isinstance(raw, str):
        word = raw.strip().casefold()
        if not word:
            return Reading()
        if word in _FLAGS:
            return Reading(_FLAGS[word])
    number = read_number(raw).value
    if number == 0 or number == 1:
        return Reading(number == 1)
    return Reading(reason=ProblemReason.NOT_A_FLAG)


def read_line(raw: Any, *, max_length: int | None = None) -> Reading[str]:
    """Read a string of one line, such as a name or a number. A string that is too long is unreadable, never cut."""
    reading = _as_text(raw, clean_line)
    return reading if max_length is None else _limited(reading, max_length)


def read_lines(raw: Any) -> Reading[str]:
    """Read a text with its line breaks. `<br>` is also a line break."""
    return _as_text(raw, lambda text: clean_lines(text, breaks=True))


def read_phone(raw: Any) -> Reading[str]:
    """Read a phone in the format E.164. A string that is not a phone is returned with a reason."""
    text = _as_text(raw, clean_line)
    if not text.value:
        return text
    number = normalize_phone(text.value)
    return Reading(number.value, None if number.is_valid else ProblemReason.NOT_A_PHONE)


def phones_besides_the_first(raw: Any) -> str:
    """Return what a phone field contains besides its first number, in the form of the columns of other phones."""
    return normalize_phone(_as_text(raw, clean_line).value or "").more


def other_phones(known: str, lines: str, others: Iterable[Any]) -> str:
    """Return the lines of a column of other phones, with the phones of other fields. `known` is the first phone."""
    found = lines.split("\n") if lines else []
    for raw in others:
        reading = read_phone(raw)
        found += [reading.value or "", *phones_besides_the_first(raw).split("\n")]
    return "\n".join(dict.fromkeys(line for line in found if line and line != known))


def read_slot(raw: Any) -> Reading[str]:
    """Read the key of the delivery slot, which is the id of an element (`18`) or a string (`15:00-16:00`)."""
    as_id = read_id(raw)
    if as_id.reason is None:
        return Reading() if as_id.value is None else Reading(str(as_id.value))
    if not isinstance(raw, str) or as_id.reason is ProblemReason.OUT_OF_RANGE:
        return Reading(reason=as_id.reason)
    text = clean_line(raw)
    return Reading(slot_key(text)) if parse_slot(text) else _limited(Reading(text), KEY_LENGTH)


def read_status(raw: Any) -> Reading[str]:
    """Read `STATUS_ID`, which is case-sensitive.

    The column on the site is a varchar(2). The CRM accepts up to ten Latin letters, digits, `_` and `-`.
    """
    text = _as_text(raw, clean_line)
    if not text.value:
        return Reading(reason=text.reason)
    if len(text.value) > 10:
        return Reading(reason=ProblemReason.TOO_LONG)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text.value):
        return Reading(reason=ProblemReason.OUT_OF_RANGE)
    return text


def read_currency(raw: Any) -> Reading[str]:
    """Read `CURRENCY`, which must consist of three Latin letters."""
    text = _as_text(raw, clean_line)
    if not text.value:
        return Reading(reason=text.reason)
    if not re.fullmatch(r"[A-Za-z]{3}", text.value):
        return Reading(reason=ProblemReason.OUT_OF_RANGE)
    return Reading(text.value.upper())


def _as_text(raw: Any, clean: Callable[[str], str]) -> Reading[str]:
    text = _scalar_text(raw)
    if text is None:
        return Reading(reason=ProblemReason.NOT_TEXT)
    return Reading(clean(text))


def _scalar_text(raw: Any) -> str | None:
    if raw is None or raw is False or raw == []:
        return ""  # PHP prints null and false as an empty string
    if raw is True:
        return "1"
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int | float | Decimal):
        number = read_number(raw).value
        if number is None:
            return None
        return str(int(number)) if number == number.to_integral_value() else format(number, "f")
    return None


def _limited(reading: Reading[str], max_length: int) -> Reading[str]:
    if reading.value is None or len(reading.value) <= max_length:
        return reading
    return Reading(reason=ProblemReason.TOO_LONG)
