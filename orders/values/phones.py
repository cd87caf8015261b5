"""Functions that read phone numbers entered by people, and format stored numbers (E.164)."""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

REGION = "KZ"
"""The country of a number without a country code."""

HIDDEN = "•••"
"""The string that is shown instead of a value that the user may not see."""

_LOCAL_LENGTH = 11
"""The number of digits of a Kazakh or Russian number with its country code, or with 8 instead."""
SEVERAL_NUMBERS = re.compile(r"(?<![\d+])\+?[78](?:[ ().-]{0,3}\d){21,43}(?!\d)")
"""The digits of two to four Kazakh numbers without a separator other than the separators within a number."""
_LABEL = re.compile(r"\b(?:тел|телефон|т|моб|сот|whatsapp|wa|tel|phone|или|и|or)\b", re.IGNORECASE)
"""The words in a phone field that say no more than that it contains phones."""
_CODE = r"7(?:0[0-25-8]|47|6[0-4]|7[15-8]|85)"
_MOBILE = re.compile(
    rf"(?:\+7|[78])[ -]?(?:\(({_CODE})\)|({_CODE}))[ -]?([0-9]{{3}})[ -]?([0-9]{{2}})[ -]?([0-9]{{2}})"
)
"""A Kazakh mobile number in a usual form: `+77011234567`, `8 (701) 123-45-67`. The codes are those of phonenumbers."""
_LONGEST_REMEMBERED = 64
_READ_AT_MOST = 250
"""The maximum number of characters read from a field. A longer text is not a phone, and matching takes time."""


class PhoneNumber(NamedTuple):
    """The phone numbers that a phone field contains."""

    value: str
    """The first number in E.164, or the whole entered string if it contains no possible number."""
    is_valid: bool
    others: tuple[str, ...] = ()
    """The other numbers in the field, in E.164."""
    typed: str = ""
    """The entered string if it contains more than numbers, such as an extension, a name or a number that can't be read.
    It is empty if there is no number."""

    @property
    def more(self) -> str:
        """Return what the field contains besides the first number: the other numbers and the string, one on each line.

        The columns of other phones have this form.
        """
        return "\n".join([*self.others, *([self.typed] if self.typed else [])])


def normalize_phone(raw: str) -> PhoneNumber:
    """Return the first possible number in an entered string, and the other numbers in it. Never raise an exception.

    Kazakh and Russian numbers may start with 8 (`8701…`). Only Kazakh numbers may have no country code (`701…`).
    Foreign numbers need `+` or `00`, unless they have more digits than a Kazakh number: a Kazakh number with a mistake
    must not become a number of another country. Two numbers without a separator are read as two numbers.
    """
    return _remembered(raw) if len(raw) <= _LONGEST_REMEMBERED else _normalized(raw)


def _normalized(raw: str) -> PhoneNumber:
    if mobile := _MOBILE.fullmatch(raw):
        return PhoneNumber("+7" + "".join(filter(None, mobile.groups())), is_valid=True)
    typed = _printable(raw)
    found, is_all = _numbers_in(_with_repaired_prefix(typed[:_READ_AT_MOST]))
    if not found:
        return PhoneNumber(typed, is_valid=False)
    is_all = is_all and len(typed) <= _READ_AT_MOST
    return PhoneNumber(found[0], is_valid=True, others=found[1:], typed="" if is_all else typed)


_remembered = lru_cache(maxsize=2048)(
    _normalized
)  # a phone of an order is read several times, and again at each change


def is_number(value: str) -> bool:
    """Return whether a stored phone is a number in E.164, and not a string that could not be read."""
    return re.fullmatch(r"\+[0-9]{7,15}", value) is not None


def numbers_of(phone: str, others: str) -> list[str]:
    """Return the numbers among a stored phone and the lines of its column of other phones."""
    return [line for line in (phone, *others.split("\n")) if is_number(line)]


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
    if not raw.isprintable():
        raw = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in raw)
    return " ".join(raw.split())


def _with_repaired_prefix(text: str) -> str:
    # Some programs turn "8701…" into "+8701…". No country has the code 87 or 89.
    repaired = re.sub(r"\+\s*8(?=[\s(.-]*[79]\d)", "8", text)
    repaired = re.sub(r"(?<![\d+])00(?=[1-9]\d{8,})", "+", repaired)
    return SEVERAL_NUMBERS.sub(_separated, repaired)


def _separated(run: re.Match[str]) -> str:
    """Return the digits of several Kazakh numbers with commas between the numbers, or the string unchanged."""
    digits = phone_digits(run[0])
    count, rest = divmod(len(digits), _LOCAL_LENGTH)
    numbers = [digits[start : start + _LOCAL_LENGTH] for start in range(0, len(digits), _LOCAL_LENGTH)]
    if rest or count < 2 or not all(re.fullmatch(r"[78]7\d{9}", number) for number in numbers):
        return run[0]
    return ", ".join(numbers)


@lru_cache(maxsize=2048)  # matching takes 0.2 ms, and the site sends an order again at each change
def _numbers_in(text: str) -> tuple[tuple[str, ...], bool]:
    """Return the numbers in E.164, and whether the text contains nothing else."""
    found: list[str] = []
    rest, end = [], 0
    for match in phonenumbers.PhoneNumberMatcher(text, REGION):
        if not _is_kazakh_or_complete(match.raw_string):
            continue
        number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        if number not in found:
            found.append(number)
        if match.number.extension:
            rest.append(match.number.extension)
        rest.append(text[end : match.start])
        end = match.end
    if not found:
        whole = _foreign_number_without_plus(text)
        return tuple(whole), bool(whole)
    rest.append(text[end:])
    return tuple(found), not any(map(str.isalnum, _LABEL.sub("", " ".join(rest))))


def _is_kazakh_or_complete(typed: str) -> bool:
    """Return whether a number has its country code or is a Kazakh number. Other numbers would be read as Russian."""
    digits = phone_digits(typed)
    return typed.lstrip("( ").startswith("+") or digits[:1] in ("7", "8")


def _foreign_number_without_plus(text: str) -> list[str]:
    # A number that starts with 7 or 8 is a local number with a mistake, not a foreign number. So is a number with as
    # many digits as a local number.
    if not re.fullmatch(r"[1-69][0-9 ().-]{9,18}[0-9]", text) or len(phone_digits(text)) <= _LOCAL_LENGTH:
        return []
    try:
        number = phonenumbers.parse("+" + phone_digits(text))
    except phonenumbers.NumberParseException:
        return []
    if not phonenumbers.is_valid_number(number):
        return []
    return [phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)]
