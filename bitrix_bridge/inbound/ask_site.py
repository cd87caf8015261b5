"""Asking the site whether a status that one of its events names is news, or long replaced by one of ours.

The event stays in the inbox, to be repeated, until the site has answered: whatever becomes of the question, a true
change is not lost.
"""

import logging

from django.conf import settings

from bitrix_bridge.inbound.inbox import reprocess
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.refetch import take_over
from orders.models import Order

logger = logging.getLogger(__name__)


def ask(order_id: str) -> bool:
    """Read the order from the site, take it over, and end the events that wait for it.

    Returns whether the site has answered; never raises.
    """
    order = Order.objects.filter(pk=order_id, bitrix_order_id__isnull=False).first()
    if order is None:
        return False
    try:
        take_over(order, settings.OUTBOX_TIMEOUT)
        waiting = WebhookEvent.objects.filter(order=order, state=WebhookEvent.State.WAITING)
        for key in waiting.exclude(action=WebhookEvent.Action.STORED).values_list("pk", flat=True):
            reprocess(key)
    except Exception as error:
        logger.warning("order %s could not be asked for: %s", order.bitrix_order_id, error)
        return False
    return True
