"""Services for presence. A page of an order reports every 20 seconds that it is open, and reports once that it is left.

There is one row for each user and order. Rows of pages that closed without a report expire
(`orders.selectors.presence.GONE_AFTER`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from cvety_crm.users import User
from orders.models import OrderEvent, OrderPresence
from orders.selectors.presence import latest_change, others

KEEP = timedelta(days=1)
_NOTE = """
    INSERT INTO order_presences (order_id, user_id, seen_at) SELECT id, %s, %s FROM orders WHERE id = %s
    ON CONFLICT (order_id, user_id) DO UPDATE SET seen_at = EXCLUDED.seen_at
"""


@dataclass(frozen=True, slots=True)
class Now:
    """The response to an open page of an order.

    `others` are the names of other users who have the page open. `changed` is the latest timeline entry that was
    written since the page was opened.
    """

    others: list[str]
    changed: OrderEvent | None = None


def beat(order_id: UUID, user: User, *, since: datetime | None) -> Now | None:
    """Record that the user has the order's page open. Return the other users and the latest change after `since`.

    Return None if there is no such order. This makes three queries.
    """
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [user.pk, now, order_id])
        if not cursor.rowcount:
            return None
    return Now(others=others(order_id, user, now), changed=latest_change(order_id, since) if since else None)


def leave(order_id: UUID, user: User) -> None:
    """Delete the record that the user has the order's page open."""
    OrderPresence.objects.filter(order=order_id, user=user).delete()


def prune() -> None:
    """Delete the records of pages that closed without a report. The worker calls this each day."""
    OrderPresence.objects.filter(seen_at__lt=timezone.now() - KEEP).delete()
