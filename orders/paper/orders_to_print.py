"""Read the orders that will be printed, sorted by delivery time, in a constant number of queries."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext

from orders.models import Order, OrderItem
from orders.rules.route import interval_key

MOST_AT_ONCE = 200
"""The maximum number of orders in one document."""


def orders_to_print(orders: QuerySet[Order], keys: Iterable[Any]) -> list[Order]:
    """Return these orders with all data that any document shows, sorted by delivery time, with two queries.

    The pages of different documents are sorted in the same way.
    """
    found = (
        orders.filter(pk__in=list(keys))
        .select_related("status", "city", "delivery_slot", "courier", "pay_system", "responsible", "taken_by")
        .defer(None)  # the lists of the admin leave out metadata, and documents show its details
        .defer("search", "bitrix_state")
        .prefetch_related(
            Prefetch("items", OrderItem.objects.select_related("product").defer("product__metadata", "product__search"))
        )
    )
    return sorted(found, key=interval_key)


def long_day(value: date | None) -> str:
    """Return a date for paper, such as `понедельник, 25 августа 2025`. It is never relative to today."""
    if value is None:
        return gettext("date not given")
    return f"{date_format(value, 'l').lower()}, {date_format(value, 'j E Y')}"


def order_address(order: Order) -> str:
    """Return the URL of the order's page, for its QR code."""
    return f"{settings.PUBLIC_URL}{reverse('admin:orders_order_change', args=[order.pk])}"
