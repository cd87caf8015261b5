"""Ask the bridge what the site can store, and keep the answer."""

import logging

from django.conf import settings

from bitrix_bridge.payloads.storage import read_limits
from bitrix_bridge.site_client.bridge_client import BridgeClient
from cvety_crm.outbox import DeliveryError
from orders import services

logger = logging.getLogger(__name__)


def refresh_limits() -> None:
    """Store the limits that the bridge reports. Without a bridge that reports them, nothing is changed."""
    if not settings.BITRIX_API_URL:
        return
    try:
        limits = read_limits(BridgeClient().ping())
    except DeliveryError as failure:
        logger.warning("the site did not say what it can store: %s", failure.message)
        return
    if limits is not None:
        services.record_site_limits(limits)
