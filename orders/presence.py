"""Two people on one order: who has its page open now, and what has happened to it since a page was opened.

A page says every 20 seconds that it is open, and when it is left. What is kept is one row for each person and order;
rows of pages that went away without a word are taken for gone after `GONE_AFTER`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from orders.models import EventKind, OrderEvent, OrderPresence

GONE_AFTER = timedelta(seconds=50)
"""Two beats missed, and a little: a phone's browser is not punctual."""
KEEP = timedelta(days=1)
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
_NOTE = """
    INSERT INTO order_presences (order_id, user_id, seen_at) SELECT id, %s, %s FROM orders WHERE id = %s
    ON CONFLICT (order_id, user_id) DO UPDATE SET seen_at = EXCLUDED.seen_at
"""


@dataclass(frozen=True, slots=True)
class Now:
    """What a page that is open must know. `changed` is the latest entry since it was opened."""

    others: list[str]
    changed: OrderEvent | None = None


def beat(order_id: UUID, user: User, *, since: datetime | None) -> Now | None:
    """Note that the user has the order's page open; return who else has, and what was changed `since`.

    None when there is no such order. Three queries.
    """
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [user.pk, now, order_id])
        if not cursor.rowcount:
            return None
    return Now(others=others(order_id, user, now), changed=latest_change(order_id, since) if since else None)


def others(order_id: UUID, user: User, now: datetime | None = None) -> list[str]:
    """Return the names of the others who have the order's page open. One query."""
    first = (now or timezone.now()) - GONE_AFTER
    rows = OrderPresence.objects.filter(order=order_id, seen_at__gte=first).exclude(user=user)
    found = rows.select_related("user").order_by("created_at")[:MOST_SHOWN]
    return [row.user.get_full_name() or row.user.get_username() for row in found]


def latest_change(order_id: UUID, since: datetime) -> OrderEvent | None:
    """Return the latest timeline entry after this moment that changes what the page shows. One query."""
    events = OrderEvent.objects.filter(order=order_id, happened_at__gt=since)
    matters = ~Q(kind__in=NOT_IN_THE_FORM) | ~Q(changes=[])
    return events.filter(matters).select_related("actor").order_by("-happened_at", "-created_at").first()


def leave(order_id: UUID, user: User) -> None:
    """Note that the user has left the order's page."""
    OrderPresence.objects.filter(order=order_id, user=user).delete()


def prune() -> None:
    """Delete what pages that went away without a word have left behind. Runs each day."""
    OrderPresence.objects.filter(seen_at__lt=timezone.now() - KEEP).delete()
