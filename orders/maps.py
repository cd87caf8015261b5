"""An order's address on the maps that couriers use."""

from dataclasses import dataclass
from urllib.parse import quote

from django.utils.translation import gettext

from orders.addresses import one_line
from orders.models import Order
from orders.paper.typed_text import MASK, without_phones

LONGEST = 200
"""Characters of an address that are searched for; a map finds nothing by a longer one."""


@dataclass(frozen=True, slots=True)
class MapLink:
    """A link that searches a map for the address."""

    title: str
    url: str


def map_links(order: Order) -> list[MapLink]:
    """Return searches on 2GIS and Yandex Maps; none when there is no address to drive to."""
    # A map finds the house; a phone only confuses it, and is not for everybody who opens it.
    address = one_line(without_phones(order.delivery_address).replace(MASK, ""))[:LONGEST]
    if order.is_pickup or not address:
        return []
    city = order.city.name if order.city else ""
    where = address if city.lower() in address.lower() else f"{city}, {address}"
    query = quote(where, safe="", errors="replace")
    return [
        MapLink(gettext("2GIS"), f"https://2gis.kz/search/{query}"),
        MapLink(gettext("Yandex"), f"https://yandex.kz/maps/?text={query}"),
    ]
