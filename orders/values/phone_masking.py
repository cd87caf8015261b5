"""Phone numbers inside texts, covered for people who may not see them."""

import phonenumbers

from orders.values.phones import REGION

MASK = "•••"
_FEWEST_DIGITS = 5
"""A shorter number can't be called. Most texts have fewer digits, and a search for phones in them would cost time."""


def without_phones(text: str) -> str:
    """Return the text with each phone number replaced by `MASK`."""
    if sum(map(str.isdigit, text)) < _FEWEST_DIGITS:
        return text
    found = list(phonenumbers.PhoneNumberMatcher(text, REGION, leniency=phonenumbers.Leniency.POSSIBLE))
    for match in reversed(found):
        text = text[: match.start] + MASK + text[match.end :]
    return text
