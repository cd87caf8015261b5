"""What other apps show on an order's page: the way the order took to the site, the messages about it.

`settings.ORDER_PAGE_PANELS` names functions that get the order and the request and return a `Panel`, or None when there
is nothing to show, or nothing that this user may see. So `orders` shows what it does not know.
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
    """One box on the order's page: a template of the app that shows it, and what the template needs."""

    title: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    all_url: str = ""
    """Where the whole list is."""


def panels(order: Order, request: HttpRequest) -> list[Panel]:
    """Return what the other apps have to show of this order to this user."""
    found = []
    for dotted_path in settings.ORDER_PAGE_PANELS:
        make: Callable[[Order, HttpRequest], Panel | None] = import_string(dotted_path)
        panel = make(order, request)
        if panel is not None:
            found.append(panel)
    return found


def event_links(request: HttpRequest) -> Mapping[str, str]:
    """Return, by field of a timeline entry, the name of the admin page that its id belongs to and the user may see."""
    links = {}
    for field_name, (permission, url_name) in settings.ORDER_EVENT_LINKS.items():
        if request.user.has_perm(permission):
            links[field_name] = url_name
    return links
