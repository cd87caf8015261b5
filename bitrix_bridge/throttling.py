"""How many webhooks one address may send."""

import logging
from functools import cache

from django.conf import settings
from django.core.cache import caches
from django.utils.connection import ConnectionProxy
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

logger = logging.getLogger(__name__)


@cache
def _complain() -> None:
    # Once for each process: a disk that is full is not helped by a line for every webhook.
    logger.exception("the webhooks' rate is not limited: THROTTLE_CACHE_DIR can't be used")


class WebhookThrottle(SimpleRateThrottle):
    """`WEBHOOK_RATE` for each client address, counted by all web processes of a machine together.

    X-Forwarded-For is believed only from as many proxies as `TRUSTED_PROXIES` says (DRF's NUM_PROXIES).
    """

    scope = "webhook"
    # Opened when it is needed: there may be no place for it.
    cache = ConnectionProxy(caches, "throttle")  # type: ignore[assignment]

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Return whether the address may send one more. Without a place to count in, it may: orders come first."""
        try:
            return bool(super().allow_request(request, view))
        except Exception:
            _complain()
            return True

    def get_rate(self) -> str | None:
        """Return the rate of the settings; an empty one switches the limit off."""
        return settings.WEBHOOK_RATE or None

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """Return the key under which an address is counted."""
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}
