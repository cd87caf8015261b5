"""Fetching an order from the site: what is recorded before, so that a report in the same moment is not undone."""

from uuid import UUID

from django.db.models.fields.json import KT
from django.utils import timezone
from django.utils.translation import gettext

from orders.exceptions import NotAllowedError
from orders.models import Order
from orders.sync.snapshot import FreshRead

ATTEMPTS = 3
"""Times that an order is fetched when the site reports it in the same moment."""


def start_fetch(bitrix_order_id: int) -> FreshRead:
    """Return what `apply_snapshot` needs to know of a fetch of this order that starts now."""
    read_at = timezone.now()
    known = Order.objects.filter(bitrix_order_id=bitrix_order_id).annotate(times=KT("bitrix_state__times_received"))
    return FreshRead(read_at=read_at, times_received=int(known.values_list("times", flat=True).first() or 0))


def record_refetch_attempt(order_id: UUID) -> None:
    """Record that the rest of this incomplete order is being requested from the site.

    The order's page shows nothing of it: there is no timeline entry, and `updated_at` stays as it is.
    """
    Order.objects.filter(pk=order_id, is_stub=True).update(refetch_attempted_at=timezone.now())


def changed_too_often() -> NotAllowedError:
    """Return what to raise when the site reports an order more often than it can be fetched."""
    return NotAllowedError(gettext("The site has just told something new of this order: look at it again."))
