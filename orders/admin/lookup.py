"""The lookup of an order by the primary key in a URL."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404

from orders.models import Order


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
