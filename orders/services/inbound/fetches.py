"""Fetching an order from the site: what is recorded before the request."""

from uuid import UUID

from django.db.models.fields.json import KT
from django.utils import timezone
from django.utils.translation import gettext

from orders.exceptions import NotAllowed
from orders.models import Order
from orders.sync.snapshot import FreshRead

ATTEMPTS = 3
"""Times that an order is read when the site tells of it in the same moment."""


def begin_reading(bitrix_order_id: int) -> FreshRead:
    """Return what `apply_snapshot` needs to know of a read of this order that begins now."""
    read_at = timezone.now()
    known = Order.objects.filter(bitrix_order_id=bitrix_order_id).annotate(times=KT("bitrix_state__times_heard"))
    return FreshRead(read_at=read_at, times_heard=int(known.values_list("times", flat=True).first() or 0))


def record_refetch_attempt(order_id: UUID) -> None:
    """Record that the rest of this incomplete order is being requested from the site.

    The order's page shows nothing of it: there is no timeline entry, and `updated_at` stays as it is.
    """
    Order.objects.filter(pk=order_id, is_stub=True).update(refetch_attempted_at=timezone.now())


def told_faster() -> NotAllowed:
    """Return what to raise when the site tells of an order faster than it can be read."""
    return NotAllowed(gettext("The site has just told something new of this order: look at it again."))
