"""Fetch an order to find out whether the status in one of its events is current or was already replaced in the CRM.

The event waits in the inbox and is processed again until the site has answered. So a real change is not lost if a
request fails.
"""

import logging

from django.conf import settings

from bitrix_bridge.inbound.inbox import reprocess
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.refetch import fetch_and_apply
from orders.models import Order

logger = logging.getLogger(__name__)


def check_status(order_id: str) -> bool:
    """Fetch the order from the site, apply it, and process the events that wait for it. Return whether this succeeded.

    If it fails, log a warning instead of raising an error.
    """
    order = Order.objects.filter(pk=order_id, bitrix_order_id__isnull=False).first()
    if order is None:
        return False
    try:
        fetch_and_apply(order, settings.OUTBOX_TIMEOUT)
        waiting = WebhookEvent.objects.filter(order=order, state=WebhookEvent.State.WAITING)
        for key in waiting.exclude(action=WebhookEvent.Action.STORED).values_list("pk", flat=True):
            reprocess(key)
    except Exception as error:
        logger.warning("order %s could not be fetched: %s", order.bitrix_order_id, error)
        return False
    return True
