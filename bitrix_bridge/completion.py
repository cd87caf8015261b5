"""Asking the site for the rest of an order of which it has told only the status."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from bitrix_bridge.client import BridgeClient
from bitrix_bridge.payloads import PayloadError, read_order
from cvety_crm.outbox import DeliveryFailure
from orders import services
from orders.models import Order

logger = logging.getLogger(__name__)

PERSISTENCE = timedelta(days=1)
"""How long an incomplete order is asked for each minute; the site tells of it anyway when it changes."""


def request_completion(order: Order) -> None:
    """Ask for the rest as soon as the current transaction has committed."""
    key = str(order.pk)
    transaction.on_commit(lambda: async_task("bitrix_bridge.completion.complete", key), robust=True)


def complete_due(limit: int = 20) -> int:
    """Ask again for the orders that are still incomplete; return how many were completed. Runs each minute."""
    stubs = Order.objects.filter(is_stub=True, bitrix_order_id__isnull=False, is_deleted_on_site=False)
    recent = stubs.filter(created_at__gte=timezone.now() - PERSISTENCE).order_by("created_at")
    return sum(complete(str(key)) for key in recent.values_list("pk", flat=True)[:limit])


def complete(order_id: str) -> bool:
    """Read the order from the site and take it over. Return whether it is complete now; never raises."""
    order = Order.objects.filter(pk=order_id, is_stub=True).first()
    if order is None or order.bitrix_order_id is None:
        return False
    try:
        data = BridgeClient().get_order(order.bitrix_order_id)
        services.apply_snapshot(snapshot=read_order(data, pay_systems=settings.BITRIX_PAY_SYSTEMS))
    except (DeliveryFailure, PayloadError) as error:
        logger.warning("order %s could not be completed: %s", order.bitrix_order_id, error)
        return False
    return True
