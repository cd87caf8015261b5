"""Panels that other apps show on an order's page: its delivery to the site, and the messages about it.

`settings.ORDER_PAGE_PANELS` lists functions that take the order and the request, and return a `Panel`, or None when
there is nothing that this user may see. So `orders` does not import the other apps.
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
    """One box on the order's page: a template of the other app, with its context."""

    title: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    all_url: str = ""
    """The URL of the whole list."""


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
    """Return the URL names of the admin pages that the user may see, by the field of a timeline entry with the id."""
    links = {}
    for field_name, (permission, url_name) in settings.ORDER_EVENT_LINKS.items():
        if request.user.has_perm(permission):
            links[field_name] = url_name
    return links
