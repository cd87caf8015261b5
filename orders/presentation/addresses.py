"""Functions that reformat addresses entered by customers: on one line, without the flat, or split by district."""

import re

from orders.models import Order

_DISTRICT = re.compile(
    r"(?:\b(?:мкр|мкрн|м-н|мкр-н|микрорайон|ЖК|жилой комплекс)\b\.?\s*[«\"]?[\w-]+(?:[ -]\d+\w?)?[»\"]?)"
    r"|(?:\b[\w-]+(?:ский|инский|овский)\s+(?:район|р-н)\b)",
    re.IGNORECASE,
)
# Words for an entrance, a floor or a flat, before or after its number. The short words also have other meanings ("кв-л
# 5", "под мостом"), so they match only with a number.
_INSIDE = re.compile(
    r"""[\s,;(]*(?<!\w)(?:
        (?:квартира|подъезд|этаж|домофон|офис|пәтер|кіреберіс|қабат)(?![^\W\d_])
      | (?:кв|оф|под|эт|код)\.?\s*[№#:]?\s*\d
      | \d+\s*-?\s*(?:й|ый|ой)?\s*(?:квартира|подъезд|этаж|эт|пәтер|кіреберіс|қабат)(?![^\W\d_])
    ).*""",
    re.IGNORECASE | re.VERBOSE,
)


def one_line(address: str) -> str:
    """Return the address with each run of white space, including line breaks, replaced by one space."""
    return " ".join(address.split())


def building(address: str) -> str:
    """Return the address up to the building, without entrance, floor, flat and everything that follows them."""
    return _INSIDE.sub("", one_line(address)).rstrip(" ,;(")


def with_city(order: Order, address: str) -> str:
    """Return the address with the order's city in front, unless the address is empty or already names the city."""
    city = order.city.name if order.city else ""
    if not address or not city or re.search(rf"(?<!\w){re.escape(city)}(?!\w)", address, re.IGNORECASE):
        return address
    return f"{city}, {address}"


def split_address(address: str) -> tuple[str, str]:
    """Return the district or estate in an address, and the rest of the address.

    The district is an empty string if the address names none. Couriers first need to know the part of the town.
    """
    text = one_line(address)
    match = _DISTRICT.search(text)
    if match is None:
        return "", text
    rest = f"{text[: match.start()].rstrip(' ,;')}, {text[match.end() :].lstrip(' ,;.')}".strip(" ,;")
    return match[0], rest
