"""The rate limits for each client address, on the pages that need no login."""

import logging
from functools import cache

from django.core.cache import caches
from django.http import HttpRequest
from django.utils.connection import ConnectionProxy
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

logger = logging.getLogger(__name__)


@cache
def _log_failure_once(scope: str) -> None:
    # The cache makes each process log this once, not for every request.
    logger.exception("the rate of %s is not limited: THROTTLE_CACHE_DIR can't be used", scope)  # noqa: LOG004 - called by a handler


class AddressThrottle(SimpleRateThrottle):
    """A rate limit for each client address, shared by all web processes of a machine.

    X-Forwarded-For is trusted only from `TRUSTED_PROXIES` proxies (DRF's NUM_PROXIES).
    """

    # The cache is opened on first use, because its folder may be unusable.
    cache = ConnectionProxy(caches, "throttle")  # type: ignore[assignment]  # it behaves as a BaseCache

    def allow_request(self, request: Request | HttpRequest, view: object) -> bool:
        """Return whether the address may send another request.

        If the cache fails, return True: no order may be lost.
        """
        try:
            # DRF's throttle reads only attributes that Django's request also has.
            return bool(super().allow_request(request, view))  # type: ignore[arg-type]
        except Exception:
            _log_failure_once(self.scope or "")
            return True

    def get_cache_key(self, request: Request | HttpRequest, view: object) -> str:
        """Return the cache key of the counter of this address."""
        ident = self.get_ident(request)  # type: ignore[arg-type]  # it reads only META
        return self.cache_format % {"scope": self.scope, "ident": ident}
