"""Addresses of what staff open with one tap: a map, a call, a chat. Empty where there is nothing to open."""

import re
from urllib.parse import quote, unquote, urlencode

from orders.models import Order
from orders.presentation.addresses import building, one_line, with_city
from orders.values.phone_masking import MASK, without_phones
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
"""2ГИС has a map a city. Without one it takes the city of whoever opens it, which mostly is ours."""


def two_gis_url(order: Order) -> str:
    """Return the address of a search of the delivery address in 2ГИС."""
    place = _searched(order)
    if not place:
        return ""
    city = _TWO_GIS_CITIES.get(order.city.name.lower(), "") if order.city else ""
    return "/".join(["https://2gis.kz", *([city] if city else []), "search", quote(place, safe="")])


def readable(url: str) -> str:
    """Return an address as people read it: letters as letters, all else that has to be quoted stays so."""
    return re.sub(r"(?:%[0-9A-F]{2})+", _letters, url)


def yandex_maps_url(order: Order) -> str:
    """Return the address of a search of the delivery address in Yandex Maps."""
    place = _searched(order)
    return f"https://yandex.kz/maps/?{urlencode({'text': place}, quote_via=quote)}" if place else ""


def whatsapp_url(phone: str, text: str = "") -> str:
    """Return the address of a WhatsApp chat with this phone (E.164), with a text that is typed there already."""
    if not _is_number(phone):
        return ""
    query = f"?{urlencode({'text': text}, quote_via=quote)}" if text else ""
    return f"https://wa.me/{phone_digits(phone)}{query}"


def call_url(phone: str) -> str:
    """Return the address that calls this phone (E.164)."""
    return f"tel:{phone}" if _is_number(phone) else ""


def telegram_url(name: str) -> str:
    """Return the address of a Telegram chat with `@name`."""
    return f"https://t.me/{name[1:]}" if re.fullmatch(r"@\w+", name, re.ASCII) else ""


def _searched(order: Order) -> str:
    # A map finds the house; a flat or a phone only confuses it.
    address = one_line(without_phones(order.delivery_address).replace(MASK, ""))
    return with_city(order, building(address) or address)


def _letters(quoted: re.Match[str]) -> str:
    return "".join(char if char.isalpha() else quote(char, safe="") for char in unquote(quoted[0]))


def _is_number(phone: str) -> bool:
    return re.fullmatch(r"\+[0-9]{7,15}", phone) is not None
