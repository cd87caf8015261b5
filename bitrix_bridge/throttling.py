"""How many webhooks one address may send."""

from django.conf import settings
from django.core.cache import caches
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView


class WebhookThrottle(SimpleRateThrottle):
    """`WEBHOOK_RATE` for each client address, counted by all web processes of a machine together.

    X-Forwarded-For is believed only from as many proxies as `TRUSTED_PROXIES` says (DRF's NUM_PROXIES).
    """

    scope = "webhook"

    def __init__(self) -> None:
        self.cache = caches["throttle"]
        super().__init__()

    def get_rate(self) -> str | None:
        """Return the rate of the settings; an empty one switches the limit off."""
        return settings.WEBHOOK_RATE or None

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """Return the key under which an address is counted."""
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}
