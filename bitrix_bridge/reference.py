"""Fetch the site's reference data once a day, when a user requests it, and soon after an event named an unknown row."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from bitrix_bridge.payloads.reference import read_reference
from bitrix_bridge.site_client.bridge_client import BridgeClient
from bitrix_bridge.site_client.limits import refresh_limits
from bitrix_bridge.site_client.rest_client import RestClient
from cvety_crm.models import Heartbeat
from cvety_crm.outbox import DeliveryError
from orders import services
from orders.models import City, DeliverySlot, PaySystem, Shop, SiteStatus
from orders.models.reference import SiteReference
from orders.services.inbound.reference_data import Changes

logger = logging.getLogger(__name__)

MIN_INTERVAL = timedelta(minutes=10)
"""The minimum time between two requests for the names of unknown rows. The site itself may not know them."""
NOW_SECONDS = 8.0
"""The timeout of a request while a user waits for the page."""
HEARTBEAT = "reference"


def refresh(timeout: float | None = None) -> dict[type[SiteReference], Changes]:
    """Fetch the site's reference data, apply it and return the changes by model. `timeout` is in seconds.

    Without a bridge, only the pay systems are fetched, over REST. Raise `DeliveryError` if the request fails.
    """
    Heartbeat.beat(HEARTBEAT)
    if settings.BITRIX_REST_URL and not settings.BITRIX_API_URL:
        data: dict[str, Any] = {"pay_systems": RestClient(timeout=timeout).pay_systems()}
    else:
        data = BridgeClient(timeout=timeout).reference()
    return services.apply_reference(snapshot=read_reference(data))


def refresh_now() -> dict[type[SiteReference], Changes]:
    """Refresh the reference data while a user waits for the page. Raise `DeliveryError` if the request fails."""
    return refresh(min(NOW_SECONDS, settings.OUTBOX_TIMEOUT))


def refresh_daily() -> None:
    """Refresh the reference data on schedule. If the request fails, log a warning instead of raising an error."""
    refresh_limits()
    try:
        refresh()
    except DeliveryError as failure:
        logger.warning("the site's reference data could not be read: %s", failure.message)


def name_stubs() -> bool:
    """Fetch the names of unknown rows that are not statuses, and the names of the site's statuses the first time.

    This function runs each minute and makes at most one request in `MIN_INTERVAL`. Return whether a request was made.
    """
    if not (_has_stubs() or _lacks_statuses()):
        return False
    requested_at = Heartbeat.last(HEARTBEAT)
    if requested_at is not None and timezone.now() - requested_at < MIN_INTERVAL:
        return False
    refresh_daily()
    return True


def _has_stubs() -> bool:
    return any(model.objects.filter(needs_attention=True).exists() for model in (City, Shop, DeliverySlot, PaySystem))


def _lacks_statuses() -> bool:
    """Return whether the names of the site's statuses were never read.

    Until they are read, the CRM does not know whether the site uses its codes for the same steps.
    """
    return bool(settings.BITRIX_API_URL) and not SiteStatus.objects.exists()
