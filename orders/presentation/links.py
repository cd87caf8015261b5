"""URLs that staff open with one tap: a map, a call, a chat. A URL is an empty string if there is nothing to open."""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote, urlencode

from orders.models import Order
from orders.presentation.addresses import building, one_line, with_city
from orders.values.districts import LONGEST
from orders.values.phone_masking import MASK, start_of, without_phones
from orders.values.phones import phone_digits

_TWO_GIS_CITIES = {
    "алматы": "almaty",
    "астана": "astana",
    "нур-султан": "astana",
    "шымкент": "shymkent",
    "караганда": "karaganda",
    "актау": "aktau",
    "актобе": "aktobe",
    "атырау": "atyrau",
    "костанай": "kostanay",
    "кызылорда": "kyzylorda",
    "павлодар": "pavlodar",
    "петропавловск": "petropavlovsk",
    "семей": "semey",
    "талдыкорган": "taldykorgan",
    "тараз": "taraz",
    "уральск": "uralsk",
    "усть-каменогорск": "ustkamenogorsk",
    "кокшетау": "kokshetau",
}
"""The name of each city in the URLs of 2ГИС. Without a city, 2ГИС uses the city of its user, usually the shop's."""
_LONGEST_SEARCH = 200
"""The maximum number of characters of an address in a search. An address is short up to its building."""


def two_gis_url(order: Order) -> str:
    """Return the URL of a search for the delivery address in 2ГИС."""
    place = _searched(order)
    if not place:
        return ""
    city = _TWO_GIS_CITIES.get(order.city.name.lower(), "") if order.city else ""
    return "/".join(["https://2gis.kz", *([city] if city else []), "search", quote(place, safe="")])


def readable(url: str) -> str:
    """Return the URL with quoted letters decoded. Other quoted characters are not decoded."""
    return re.sub(r"(?:%[0-9A-F]{2})+", _letters, url)


def yandex_maps_url(order: Order) -> str:
    """Return the URL of a search for the delivery address in Yandex Maps."""
    place = _searched(order)
    return f"https://yandex.kz/maps/?{urlencode({'text': place}, quote_via=quote)}" if place else ""


def yandex_route_url(stops: Iterable[Order]) -> str:
    """Return the URL of a route in Yandex Maps through the addresses of these stops, from the place of its user.

    A stop without an address is left out. 2ГИС has no such URL: its routes need coordinates, and orders have none.
    """
    # A tilde separates the points, even if it is encoded.
    points = [place.replace("~", " ") for place in map(_searched, stops) if place]
    if not points:
        return ""
    # The first point is empty: the route begins where its user is.
    query = {"rtext": "~".join(["", *points]), "rtt": "auto"}
    return f"https://yandex.ru/maps/?{urlencode(query, quote_via=quote)}"


def whatsapp_url(phone: str, text: str = "") -> str:
    """Return the URL of a WhatsApp chat with this phone (E.164) and a prepared message."""
    if not _is_number(phone):
        return ""
    query = f"?{urlencode({'text': text}, quote_via=quote)}" if text else ""
    return f"https://wa.me/{phone_digits(phone)}{query}"


def call_url(phone: str) -> str:
    """Return the URL that calls this phone (E.164)."""
    return f"tel:{phone}" if _is_number(phone) else ""


def telegram_url(name: str) -> str:
    """Return the URL of a Telegram chat with `@name`."""
    return f"https://t.me/{name[1:]}" if re.fullmatch(r"@\w+", name, re.ASCII) else ""


def _searched(order: Order) -> str:
    # A map searches for the building. A flat or a phone in the query would only disturb the search.
    typed = without_phones(start_of(order.delivery_address.lstrip(), LONGEST))
    address = one_line(typed.replace(MASK, ""))
    return with_city(order, (building(address) or address)[:_LONGEST_SEARCH].rstrip())


def _letters(quoted: re.Match[str]) -> str:
    return "".join(char if char.isalpha() else quote(char, safe="") for char in unquote(quoted[0]))


def _is_number(phone: str) -> bool:
    return re.fullmatch(r"\+[0-9]{7,15}", phone) is not None
