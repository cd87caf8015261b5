"""Fetch an order from the site to complete a stub or to find out the current status of the order."""

import logging
from datetime import timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django_q.tasks import async_task

from bitrix_bridge.site_client.errors import OrderArchivedError
from bitrix_bridge.site_client.site_orders import read_site_order
from bitrix_bridge.site_client.transports import SiteClient, can_read_orders
from cvety_crm.outbox import MisconfiguredError, TemporaryDeliveryError
from orders import services
from orders.models import Order

logger = logging.getLogger(__name__)

EACH_MINUTE_FOR = timedelta(days=1)
"""The time for which a stub is requested each minute. After that, it is requested each hour."""
BACKOFF = timedelta(hours=1)
BUDGET_SECONDS = 20.0
"""The time limit of one run of `refetch_due`. Without it, the worker's other jobs could be delayed."""


def request_refetch(order: Order) -> None:
    """Queue a refetch of the stub when the current transaction has committed, if orders can be fetched."""
    if not can_read_orders():
        return
    key = str(order.pk)
    transaction.on_commit(lambda: async_task("bitrix_bridge.refetch.refetch", key), robust=True)


def request_status_check(order: Order) -> None:
    """Queue `inbound.status_check.check_status` for the order when the current transaction has committed.

    If orders can't be fetched, do nothing.
    """
    if not can_read_orders():
        return
    key = str(order.pk)
    transaction.on_commit(lambda: async_task("bitrix_bridge.inbound.status_check.check_status", key), robust=True)


def refetch_due(limit: int = 50) -> int:
    """Fetch the stubs that are due. Return how many were completed or found in the site's archive.

    This function runs each minute. It ends after `BUDGET_SECONDS`, or after the first failure that would also affect
    the other requests.
    """
    if not can_read_orders():
        return 0
    now = timezone.now()
    until = monotonic() + BUDGET_SECONDS
    on_site = Order.objects.filter(is_deleted_on_site=False, is_archived_on_site=False)
    stubs = on_site.filter(is_stub=True, bitrix_order_id__isnull=False)
    backoff_is_over = Q(refetch_attempted_at=None) | Q(refetch_attempted_at__lte=now - BACKOFF)
    due = stubs.filter(Q(created_at__gte=now - EACH_MINUTE_FOR) | backoff_is_over)
    completed = 0
    # The order with the oldest attempt comes first, so that a limited run reaches every order in turn.
    for order in due.order_by(F("refetch_attempted_at").asc(nulls_first=True), "created_at")[:limit]:
        seconds_left = until - monotonic()
        if seconds_left <= 0:
            break
        services.record_refetch_attempt(order.pk)
        try:
            fetch_and_apply(order, min(settings.OUTBOX_TIMEOUT, seconds_left))
        except (TemporaryDeliveryError, MisconfiguredError) as failure:
            logger.warning(
                "order %s could not be completed, the other orders are not tried: %s", order.bitrix_order_id, failure
            )
            break
        except Exception:
            logger.exception("order %s could not be completed", order.bitrix_order_id)
        else:
            completed += 1
    return completed


def refetch(order_id: str) -> bool:
    """Fetch a stub from the site. Return whether it was completed or found in the site's archive.

    If the order can't be fetched or applied, log a warning instead of raising an error.
    """
    order = Order.objects.filter(pk=order_id, is_stub=True, bitrix_order_id__isnull=False).first()
    if order is None:
        return False
    services.record_refetch_attempt(order.pk)
    try:
        fetch_and_apply(order, settings.OUTBOX_TIMEOUT)
    except Exception as error:
        logger.warning("order %s could not be completed: %s", order.bitrix_order_id, error)
        return False
    return True


def fetch_and_apply(order: Order, timeout: float) -> None:
    """Fetch the order from the site and apply it, or mark it as archived. One request lasts at most `timeout` seconds.

    Raise `DeliveryError` if a request fails, `NotAllowedError` if webhooks change the order during each of
    `services.ATTEMPTS` attempts, and any error of reading or saving the order.
    """
    assert order.bitrix_order_id is not None
    for _attempt in range(services.ATTEMPTS):
        fresh = services.start_fetch(order.bitrix_order_id)
        try:
            snapshot = read_site_order(SiteClient(timeout=timeout), order.bitrix_order_id)
        except OrderArchivedError:
            services.mark_archived([order.bitrix_order_id])
            return
        if services.apply_snapshot(snapshot=snapshot, fresh=fresh).outcome != services.Outcome.STALE:
            return
    raise services.changed_too_often()
