"""Two people on one order: who has its page open now, and what has happened to it since a page was opened.

A page says every 20 seconds that it is open, and when it is left. What is kept is one row for each person and order;
rows of pages that went away without a word are taken for gone after `GONE_AFTER`.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from cvety_crm.users import display_name
from orders.models import EventKind, OrderEvent, OrderPresence

GONE_AFTER = timedelta(seconds=50)
"""Two beats missed, and a little: a phone's browser is not punctual."""
MOST_SHOWN = 5
NOT_IN_THE_FORM = (
    EventKind.SENT,
    EventKind.REFUSED,
    EventKind.WARNED,
    EventKind.PRINTED,
    EventKind.PHOTO_ADDED,
    EventKind.PHOTO_WITHDRAWN,
    EventKind.PHOTO_LINK,
    EventKind.PHOTO_ANSWERED,
)
"""What happens to an order without changing what its page shows in the form. (`updated_at` would tell of them too.)"""


def others(order_id: UUID, user: User, now: datetime | None = None) -> list[str]:
    """Return the names of the others who have the order's page open. One query."""
    first = (now or timezone.now()) - GONE_AFTER
    rows = OrderPresence.objects.filter(order=order_id, seen_at__gte=first).exclude(user=user)
    found = rows.select_related("user").order_by("created_at")[:MOST_SHOWN]
    return [display_name(row.user) for row in found]


def latest_change(order_id: UUID, since: datetime) -> OrderEvent | None:
    """Return the latest timeline entry after this moment that changes what the page shows. One query."""
    events = OrderEvent.objects.filter(order=order_id, happened_at__gt=since)
    matters = ~Q(kind__in=NOT_IN_THE_FORM) | ~Q(changes=[])
    return events.filter(matters).select_related("actor").order_by("-happened_at", "-created_at").first()
