"""URLs in messages: the order's page in the CRM, and the delivery address on a map."""

from typing import NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext

from orders.models import Order

STEP, UNDO = "step", "undo"
"""What a press does: the step whose kind follows, or the undo of the timeline entry whose id follows."""
_QUERY_LENGTH = 200
"""The maximum length of the address in a map search. The map finds nothing for a longer address."""


class Button(NamedTuple):
    """A button below a message."""

    title: str
    url: str = ""
    press: str = ""
    """What Telegram reports to the CRM when the button is pressed (`notifications.presses`). Then there is no URL."""


def buttons(order: Order) -> tuple[Button, ...]:
    """Return the buttons of a message about the order. Leave out a button if Telegram does not accept its URL."""
    candidates = Button(gettext("Open the order"), order_url(order)), Button(gettext("On the map"), map_url(order))
    return tuple(button for button in candidates if is_public(button.url))


def order_url(order: Order) -> str:
    """Return the URL of the order's page, or an empty string if the admin has no such page."""
    try:
        return settings.PUBLIC_URL + reverse("admin:orders_order_change", args=[order.pk])
    except NoReverseMatch:
        return ""


def page_url(path: str) -> str:
    """Return the full URL of a page of the CRM, or an empty string for an empty path."""
    return settings.PUBLIC_URL + path if path else ""


def is_public(url: str) -> bool:
    """Return whether Telegram accepts the URL of a button. Telegram refuses a message with a button for localhost."""
    return url.startswith("https://")


def map_url(order: Order) -> str:
    """Return the URL of a 2GIS search for the delivery address.

    Return an empty string for a pickup, and for an order without an address.
    """
    address = " ".join(order.delivery_address.split())[:_QUERY_LENGTH]
    if order.is_pickup or not address:
        return ""
    city = order.city.name if order.city else ""
    query = address if city.lower() in address.lower() else f"{city}, {address}"
    return "https://2gis.kz/search/" + quote(query, safe="", errors="replace")
