"""Functions that reformat addresses entered by customers: on one line, without the flat, or split by district."""

import re

from orders.models import Order
from orders.values.districts import LONGEST, find_district
from orders.values.phone_masking import start_of

_SHORT_WORD = re.compile(r"\b(р|м|мкр|б|кв|пр)-(н|р|л|т)\b", re.IGNORECASE)
# The pattern is for one line. The number of its repetitions is limited, so the time of a search is proportional to the
# length of the text. Without the limits, an address of 10,000 commas would be searched for minutes.
# Words for an entrance, a floor or a flat, before or after its number. The short words also have other meanings ("кв-л
# 5", "под мостом"), so they match only with a number.
_INSIDE = re.compile(
    r"""(?<!\w)(?:
        (?:квартира|подъезд|этаж|домофон|офис|пәтер|кіреберіс|қабат)(?![^\W\d_])
      | (?:кв|оф|под|эт|код)\.?[ ]?[№\#:]?[ ]?\d
      | \d{1,5}[ ]?-?[ ]?(?:й|ый|ой)?[ ]?(?:квартира|подъезд|этаж|эт|пәтер|кіреберіс|қабат)(?![^\W\d_])
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def one_line(address: str) -> str:
    """Return the address with each run of white space, including line breaks, replaced by one space."""
    return " ".join(address.split())


def building(address: str) -> str:
    """Return the address up to the building, without entrance, floor, flat and everything that follows them.

    Only the first `LONGEST` characters are read.
    """
    text = one_line(address)
    match = _INSIDE.search(text[:LONGEST])
    return (text[: match.start()] if match else start_of(text, LONGEST)).rstrip(" ,;(")


def with_city(order: Order, address: str) -> str:
    """Return the address with the order's city in front, unless it is empty or its beginning names the city."""
    city = order.city.name if order.city else ""
    if not address or not city or _word(city).search(address[:LONGEST]):
        return address
    return f"{city}, {address}"


def unbroken(address: str) -> str:
    """Return the address as a page shows it: a short word such as `р-н` stays on one line.

    The hyphen is replaced by a no-break one, so the result is not for a search or for a map.
    """
    return _SHORT_WORD.sub("\\1\N{NON-BREAKING HYPHEN}\\2", address)


def split_address(address: str) -> tuple[str, str]:
    """Return the district or estate in an address, and the rest of the address.

    The district is an empty string if the address names none. Couriers first need to know the part of the town.
    """
    text = one_line(address)
    match = find_district(text)
    if match is None:
        return "", text
    rest = f"{text[: match.start()].rstrip(' ,;')}, {text[match.end() :].lstrip(' ,;.')}".strip(" ,;")
    return match[0], rest


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.IGNORECASE)
