"""Functions that read phone numbers entered by people, and format stored numbers (E.164)."""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

REGION = "KZ"
"""The country of a number without a country code."""

COLUMN_LENGTH = 20
"""The length of phone columns, which are varchar(20)."""

HIDDEN = "•••"
"""The string that is shown instead of a value that the user may not see."""

_READ_AT_MOST = 250
"""The maximum number of characters read from a field. A longer text is not a phone, and matching takes time."""


class PhoneNumber(NamedTuple):
    """The phone numbers that a phone field contains."""

    value: str
    """The first number in E.164, or the entered string if it contains no possible number. The string is cut to the
    length of the column."""
    is_valid: bool
    others: tuple[str, ...] = ()
    """The other numbers in the field, in E.164."""


def normalize_phone(raw: str) -> PhoneNumber:
    """Return the first possible number in an entered string, and the other numbers in it. Never raise an exception.

    Kazakh and Russian numbers may start with 8 (`8701…`) or have no country code (`701…`). Foreign numbers need `+`,
    `00` or at least their country code.
    """
    typed = _printable(raw[: 4 * _READ_AT_MOST])
    found = _numbers_in(_with_repaired_prefix(typed[:_READ_AT_MOST]))
    if not found:
        return PhoneNumber(typed[:COLUMN_LENGTH].rstrip(), is_valid=False)
    return PhoneNumber(found[0], is_valid=True, others=found[1:])


def format_phone(value: str) -> str:
    """Return a stored number in the usual format, such as `+7 701 123-45-67`.

    A string that is not in E.164 is returned unchanged.
    """
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
    """Return dots and the last four digits of a phone, or only dots if the phone has four digits or fewer."""
    digits = phone_digits(value)
    return f"{HIDDEN}\N{NO-BREAK SPACE}{digits[-4:]}" if len(digits) > 4 else HIDDEN


def phone_digits(value: str) -> str:
    """Return only the digits 0–9 of a string."""
    return re.sub(r"[^0-9]", "", value)


def _printable(raw: str) -> str:
    # Numbers pasted from the address book of a phone have invisible direction marks around them.
    kept = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in raw)
    return " ".join(kept.split())


def _with_repaired_prefix(text: str) -> str:
    # Some programs turn "8701…" into "+8701…". No country has the code 87 or 89.
    repaired = re.sub(r"\+\s*8(?=[\s(.-]*[79]\d)", "8", text)
    return re.sub(r"(?<![\d+])00(?=[1-9]\d{8,})", "+", repaired)


@lru_cache(maxsize=2048)  # matching takes 0.2 ms, and the site sends an order again at each change
def _numbers_in(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for match in phonenumbers.PhoneNumberMatcher(text, REGION):
        number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        if number not in found:
            found.append(number)
    return tuple(found or _foreign_number_without_plus(text))


def _foreign_number_without_plus(text: str) -> list[str]:
    # A number that starts with 7 or 8 is a local number with a mistake, not a foreign number.
    if not re.fullmatch(r"[1-69][0-9 ().-]{9,18}[0-9]", text):
        return []
    try:
        number = phonenumbers.parse("+" + phone_digits(text))
    except phonenumbers.NumberParseException:
        return []
    if not phonenumbers.is_valid_number(number):
        return []
    return [phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)]
