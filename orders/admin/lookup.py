"""The lookup of an order by the primary key in a URL, and the reading of keys that a form posts."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404

from orders.models import Order


def uuid_or_none(text: str) -> UUID | None:
    """Return the UUID, or None if the string is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def uuid_or_404(text: str) -> UUID:
    """Return the UUID. Raise `Http404` if the string is none."""
    found = uuid_or_none(text)
    if found is None:
        raise Http404
    return found


def find_order(key: Any) -> Order | None:
    """Return the order with this primary key, or None if there is no such order or the key is malformed."""
    try:
        return Order.objects.select_related("status").filter(pk=UUID(str(key))).first()
    except (ValueError, ValidationError):
        return None


def order_or_404(key: UUID) -> Order:
    """Return the order with this primary key. Raise `Http404` if there is no such order."""
    order = find_order(key)
    if order is None:
        raise Http404
    return order
