"""Where a message leads: the order's page in the CRM, and its address on the map."""

from typing import NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext

from orders.models import Order

_QUERY_LENGTH = 200
"""Characters of an address that are searched for; a map finds nothing by a longer one."""


class Button(NamedTuple):
    """A button below a message."""

    title: str
    url: str


def buttons(order: Order) -> tuple[Button, ...]:
    """Return the buttons of a message about the order: those whose addresses Telegram takes."""
    wanted = Button(gettext("Open the order"), order_url(order)), Button(gettext("On the map"), map_url(order))
    return tuple(button for button in wanted if is_public(button.url))


def order_url(order: Order) -> str:
    """Return the address of the order's page, or "" when the admin has none."""
    try:
        return settings.PUBLIC_URL + reverse("admin:orders_order_change", args=[order.pk])
    except NoReverseMatch:
        return ""


def page_url(path: str) -> str:
    """Return the full address of a page of the CRM."""
    return settings.PUBLIC_URL + path if path else ""


def is_public(url: str) -> bool:
    """Return whether Telegram takes the address for a button: it refuses the whole message over one of localhost."""
    return url.startswith("https://")


def map_url(order: Order) -> str:
    """Return a search on 2GIS for the order's address, or "" when there is none to drive to."""
    address = " ".join(order.delivery_address.split())[:_QUERY_LENGTH]
    if order.is_pickup or not address:
        return ""
    city = order.city.name if order.city else ""
    query = address if city.lower() in address.lower() else f"{city}, {address}"
    return "https://2gis.kz/search/" + quote(query, safe="", errors="replace")
