"""How many requests one address may send to what strangers reach."""

import logging
from functools import cache

from django.core.cache import caches
from django.http import HttpRequest
from django.utils.connection import ConnectionProxy
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

logger = logging.getLogger(__name__)


@cache
def _complain(scope: str) -> None:
    # Once for each process: a disk that is full is not helped by a line for every request.
    logger.exception("the rate of %s is not limited: THROTTLE_CACHE_DIR can't be used", scope)


class AddressThrottle(SimpleRateThrottle):
    """A rate for each client address, counted by all web processes of a machine together.

    X-Forwarded-For is believed only from as many proxies as `TRUSTED_PROXIES` says (DRF's NUM_PROXIES).
    """

    # Opened when it is needed: there may be no place for it.
    cache = ConnectionProxy(caches, "throttle")  # type: ignore[assignment]  # it behaves as a BaseCache

    def allow_request(self, request: Request | HttpRequest, view: object) -> bool:
        """Return whether the address may send one more. Without a place to count in, it may: orders come first."""
        try:
            # DRF's throttle reads only what Django's request has too.
            return bool(super().allow_request(request, view))  # type: ignore[arg-type]
        except Exception:
            _complain(self.scope or "")
            return True

    def get_cache_key(self, request: Request | HttpRequest, view: object) -> str:
        """Return the key under which an address is counted."""
        ident = self.get_ident(request)  # type: ignore[arg-type]  # it reads only META
        return self.cache_format % {"scope": self.scope, "ident": ident}
