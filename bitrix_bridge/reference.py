"""Asking the site for its reference data: by hand, once a day, and soon after something unknown has come in."""

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from bitrix_bridge.payloads.reference import read_reference
from bitrix_bridge.site_client.bridge_client import BridgeClient
from cvety_crm.models import Heartbeat
from cvety_crm.outbox import DeliveryError
from orders import services
from orders.models import City, DeliverySlot, Shop
from orders.models.reference import SiteReference
from orders.services.inbound.reference_data import Changes

logger = logging.getLogger(__name__)

PAUSE = timedelta(minutes=10)
"""Between two questions about rows that the site itself may not know."""
NOW_SECONDS = 8.0
"""The time limit of a call that somebody waits for."""
ASKED = "reference"


def refresh(timeout: float | None = None) -> dict[type[SiteReference], Changes]:
    """Read the site's reference data and take it over. `timeout` is that of a call, in seconds.

    Raises `DeliveryError`.
    """
    Heartbeat.beat(ASKED)
    return services.apply_reference(snapshot=read_reference(BridgeClient(timeout=timeout).reference()))


def refresh_now() -> dict[type[SiteReference], Changes]:
    """The same while somebody waits for the page. Raises `DeliveryError`."""
    return refresh(min(NOW_SECONDS, settings.OUTBOX_TIMEOUT))


def refresh_daily() -> None:
    """The same by the clock; a site that does not answer is no error of ours."""
    try:
        refresh()
    except DeliveryError as failure:
        logger.warning("the site's reference data could not be read: %s", failure.message)


def name_stubs() -> bool:
    """Ask the site what it calls the cities, shops and slots that came in unknown; return whether it was asked.

    Runs each minute, asks at most every ten.
    """
    if not any(model.objects.filter(needs_attention=True).exists() for model in (City, Shop, DeliverySlot)):
        return False
    asked = Heartbeat.last(ASKED)
    if asked is not None and timezone.now() - asked < PAUSE:
        return False
    refresh_daily()
    return True
