"""Phone numbers as customers type them, as we store them (E.164) and as people read them."""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

REGION = "KZ"
"""Where a number without a country code is from."""

COLUMN_LENGTH = 20
"""Phone columns are varchar(20)."""

HIDDEN = "•••"
"""Stands for what somebody may not see."""

_READ_AT_MOST = 250
"""Characters of a field looked at; a longer text is not a phone, and matching costs time."""


class PhoneNumber(NamedTuple):
    """What was found in one phone field."""

    value: str
    """E.164, or the text as typed, cut to the column's length, when it holds no number that can exist."""
    is_valid: bool
    others: tuple[str, ...] = ()
    """Further numbers of the same field, E.164."""


def normalize_phone(raw: str) -> PhoneNumber:
    """Find the number in a typed text: the first one that can exist, whatever is written around it.

    Kazakh and Russian numbers may lack the country code or start with 8 (`8701…`, `701…`), foreign ones need
    `+`, `00` or at least their country code. Never raises.
    """
    typed = _printable(raw[: 4 * _READ_AT_MOST])
    found = _numbers_in(_with_repaired_prefix(typed[:_READ_AT_MOST]))
    if not found:
        return PhoneNumber(typed[:COLUMN_LENGTH].rstrip(), is_valid=False)
    return PhoneNumber(found[0], is_valid=True, others=found[1:])


def format_phone(value: str) -> str:
    """Return a stored number as people write it, `+7 701 123-45-67`; what is not E.164 comes back as it is."""
    match = re.fullmatch(r"\+7(\d{3})(\d{3})(\d{2})(\d{2})", value)
    if match:
        return "+7 {} {}-{}-{}".format(*match.groups())
    if not re.fullmatch(r"\+[0-9]{7,15}", value):
        return value
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        return value
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def masked_phone(value: str) -> str:
    """Return the last four digits of a phone, behind dots; only dots where there are not more than four."""
    digits = phone_digits(value)
    return f"{HIDDEN}\N{NO-BREAK SPACE}{digits[-4:]}" if len(digits) > 4 else HIDDEN


def phone_digits(value: str) -> str:
    """Return the digits 0–9 of a text and nothing else."""
    return re.sub(r"[^0-9]", "", value)


def _printable(raw: str) -> str:
    # Numbers pasted from a phone's address book come wrapped in invisible direction marks.
    kept = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in raw)
    return " ".join(kept.split())


def _with_repaired_prefix(text: str) -> str:
    # "+8701…" is what a program makes of "8701…" when it merely adds a plus; no country has the code 87 or 89.
    repaired = re.sub(r"\+\s*8(?=[\s(.-]*[79]\d)", "8", text)
    return re.sub(r"(?<![\d+])00(?=[1-9]\d{8,})", "+", repaired)


@lru_cache(maxsize=2048)  # matching costs 0.2 ms, and an order is sent again at each change
def _numbers_in(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for match in phonenumbers.PhoneNumberMatcher(text, REGION):
        number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        if number not in found:
            found.append(number)
    return tuple(found or _foreign_number_without_plus(text))


def _foreign_number_without_plus(text: str) -> list[str]:
    # A number that starts with 7 or 8 is a mistyped local one: reading it as foreign would be a wrong guess.
    if not re.fullmatch(r"[1-69][0-9 ().-]{9,18}[0-9]", text):
        return []
    try:
        number = phonenumbers.parse("+" + phone_digits(text))
    except phonenumbers.NumberParseException:
        return []
    if not phonenumbers.is_valid_number(number):
        return []
    return [phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)]
