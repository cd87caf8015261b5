"""Queries about presence: which users have the page of an order open, and what has changed since a page was opened.

A page reports every 20 seconds that it is open, and reports once that it is left. There is one row for each user and
order. If there was no report for `GONE_AFTER`, the page counts as closed.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from cvety_crm.users import User, display_name
from orders.models import EventKind, OrderEvent, OrderPresence

GONE_AFTER = timedelta(seconds=50)
"""The time of two missed reports plus 10 seconds, because the browser of a phone may report late."""
MOST_SHOWN = 5
NOT_IN_THE_FORM = (
    EventKind.SENT,
    EventKind.REFUSED,
    EventKind.WARNED,
    EventKind.PRINTED,
    EventKind.MESSAGE,
    EventKind.PHOTO_ADDED,
    EventKind.PHOTO_WITHDRAWN,
    EventKind.PHOTO_LINK,
    EventKind.PHOTO_ANSWERED,
)
"""Kinds of timeline entries that do not change the form on the order's page, although they change `updated_at`."""


def others(order_id: UUID, user: User, now: datetime | None = None) -> list[str]:
    """Return the names of other users who have the order's page open, with one query."""
    first = (now or timezone.now()) - GONE_AFTER
    rows = OrderPresence.objects.filter(order=order_id, seen_at__gte=first).exclude(user=user)
    found = rows.select_related("user").order_by("created_at")[:MOST_SHOWN]
    return [display_name(row.user) for row in found]


def latest_change(order_id: UUID, since: datetime) -> OrderEvent | None:
    """Return the latest timeline entry after `since` that changes the form on the page, with one query."""
    events = OrderEvent.objects.filter(order=order_id, happened_at__gt=since)
    matters = ~Q(kind__in=NOT_IN_THE_FORM) | ~Q(changes=[])
    return events.filter(matters).select_related("actor").order_by("-happened_at", "-created_at").first()
