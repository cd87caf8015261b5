"""The masking of phone numbers inside texts, for users who may not see phones."""

import phonenumbers

from orders.values.phones import REGION

MASK = "•••"
_FEWEST_DIGITS = 5
"""The minimum number of digits in a phone number. Texts with fewer digits are not searched, which saves time."""


def without_phones(text: str) -> str:
    """Return the text with each phone number replaced by `MASK`."""
    if sum(map(str.isdigit, text)) < _FEWEST_DIGITS:
        return text
    found = list(phonenumbers.PhoneNumberMatcher(text, REGION, leniency=phonenumbers.Leniency.POSSIBLE))
    for match in reversed(found):
        text = text[: match.start] + MASK + text[match.end :]
    return text
