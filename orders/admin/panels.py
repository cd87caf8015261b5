"""The panels that other apps show on an order's page: differences, pushes and Telegram messages.

`settings.ORDER_PAGE_PANELS` lists functions of the other apps, because `orders` must not import these apps. Each
function receives the order and the request. It returns a `Panel`, or None if there is nothing that the user may see.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from orders.models import Order


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel on the order's page: a template of the other app, and the template's context."""

    title: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    all_url: str = ""
    """The URL of the list with all rows, or an empty string."""
    state: str = ""
    """The state of the latest row, which is shown even if the panel is folded."""
    is_open: bool = False
    """Whether the panel is unfolded when the page is opened, because somebody must decide something."""


def panels(order: Order, request: HttpRequest) -> list[Panel]:
    """Return the panels of the other apps for this order and user."""
    found = []
    for dotted_path in settings.ORDER_PAGE_PANELS:
        make: Callable[[Order, HttpRequest], Panel | None] = import_string(dotted_path)
        panel = make(order, request)
        if panel is not None:
            found.append(panel)
    return found


def event_links(request: HttpRequest) -> Mapping[str, str]:
    """Return the URL names of the admin pages that the user may see.

    Each key is the field of a timeline entry that contains the id for the URL.
    """
    links = {}
    for field_name, (permission, url_name) in settings.ORDER_EVENT_LINKS.items():
        if request.user.has_perm(permission):
            links[field_name] = url_name
    return links
