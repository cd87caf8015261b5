"""Figures of the start page. Each count reads an index, and few rows of it."""

from django.utils import timezone

from orders.lateness import CLOSED_STAGES
from orders.models import Order, PhotoAnswer, PhotoApproval, Stage, Status, SyncState

ENOUGH = 1000
"""Nobody reads a larger number exactly."""


def new_orders() -> int:
    """Return how many orders nobody has accepted yet."""
    codes = Status.objects.filter(stage=Stage.NEW).values("code")
    return Order.objects.filter(status__in=codes).order_by()[:ENOUGH].count()


def deliveries_today() -> int:
    """Return how many orders are to be delivered today."""
    return Order.objects.filter(delivery_date=timezone.localdate()).order_by()[:ENOUGH].count()


def conflicts() -> int:
    """Return how many orders wait for a manager's decision."""
    return Order.objects.filter(sync_state=SyncState.CONFLICT).order_by()[:ENOUGH].count()


def unanswered_photos() -> int:
    """Return how many customers have a link to the photo of an open order's bouquet and have not answered."""
    waiting = PhotoApproval.objects.filter(answer=PhotoAnswer.NONE, expires_at__gt=timezone.now()).exclude(nonce="")
    closed = Status.objects.filter(stage__in=CLOSED_STAGES).values("code")
    is_open = waiting.exclude(order__status__in=closed).filter(order__is_cancelled=False)
    return is_open.order_by()[:ENOUGH].count()
