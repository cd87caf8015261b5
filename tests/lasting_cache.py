"""A cache whose entries do not expire during a test, so that the speed of the machine does not affect the result."""

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache


class LastingCache(LocMemCache):
    """Django's in-memory cache. If `lasts` is true, entries never expire."""

    lasts = False

    def get_backend_timeout(self, timeout=DEFAULT_TIMEOUT):
        """Return the time when an entry expires, or None for never."""
        if self.lasts and (timeout is None or timeout is DEFAULT_TIMEOUT or timeout > 0):
            return None
        return super().get_backend_timeout(timeout)
