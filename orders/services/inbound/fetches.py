"""The record of a fetch. It prevents that the response overwrites a newer event that was received during the fetch."""

from uuid import UUID

from django.db.models.fields.json import KT
from django.utils import timezone
from django.utils.translation import gettext

from orders.exceptions import NotAllowedError
from orders.models import Order
from orders.sync.snapshot import FreshRead

ATTEMPTS = 3
"""How many times an order is fetched if the site reports the order during each fetch."""


def start_fetch(bitrix_order_id: int) -> FreshRead:
    """Return a record of the start of a fetch, for `apply_snapshot`.

    The record contains the current time and the number of events and responses that have reported the order so far.
    """
    read_at = timezone.now()
    known = Order.objects.filter(bitrix_order_id=bitrix_order_id).annotate(times=KT("bitrix_state__times_received"))
    return FreshRead(read_at=read_at, times_received=int(known.values_list("times", flat=True).first() or 0))


def record_refetch_attempt(order_id: UUID) -> None:
    """Record the time of a refetch of this stub.

    No timeline entry is written and `updated_at` is not changed, since the page of the order does not show this time.
    """
    Order.objects.filter(pk=order_id, is_stub=True).update(refetch_attempted_at=timezone.now())


def changed_too_often() -> NotAllowedError:
    """Return the error to raise if the site has reported a change of the order during each fetch."""
    return NotAllowedError(gettext("The site has just reported a change of this order: look at it again."))
