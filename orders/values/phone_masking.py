"""The masking of phone numbers inside texts, for users who may not see phones."""

import phonenumbers

from orders.values.phones import REGION, SEVERAL_NUMBERS

MASK = "•••"
_ENDS_NUMBER = ",;:"
"""The characters besides letters that can't be inside a phone number."""
_FEWEST_DIGITS = 5
"""The minimum number of digits in a phone number. Texts with fewer digits are not searched, which saves time."""


def without_phones(text: str) -> str:
    """Return the text with each phone number replaced by `MASK`."""
    if sum(map(str.isdigit, text)) < _FEWEST_DIGITS:
        return text
    text = SEVERAL_NUMBERS.sub(MASK, text)
    found = list(phonenumbers.PhoneNumberMatcher(text, REGION, leniency=phonenumbers.Leniency.POSSIBLE))
    for match in reversed(found):
        text = text[: match.start] + MASK + text[match.end :]
    return text


def has_phone(text: str) -> bool:
    """Return whether the text contains a phone number."""
    return without_phones(text) != text


def start_of(text: str, length: int) -> str:
    """Return a text of at most `length` characters unchanged, and the beginning of a longer text.

    The beginning does not end with a part of a number: `without_phones` would not recognise a part of a phone.
    """
    if len(text) <= length:
        return text
    end = length
    while end and not text[end - 1].isalpha() and text[end - 1] not in _ENDS_NUMBER:
        end -= 1
    return text[:end]
