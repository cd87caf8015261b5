"""A cache whose entries do not expire during a test. The speed of the machine then does not affect the result."""

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache


class LastingCache(LocMemCache):
    """Django's in-memory cache. If `lasts` is true, entries never expire."""

    lasts = False

    def get_backend_timeout(self, timeout=DEFAULT_TIMEOUT):
        """Return the time when an entry expires, or None if it never expires."""
        if self.lasts and (timeout is None or timeout is DEFAULT_TIMEOUT or timeout > 0):
            return None
        return super().get_backend_timeout(timeout)
