"""A cache whose entries do not expire while a test runs: how fast the machine is must not decide what is cached."""

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache


class LastingCache(LocMemCache):
    """Django's cache in memory; with `lasts`, an entry stays until it is deleted."""

    lasts = False

    def get_backend_timeout(self, timeout=DEFAULT_TIMEOUT):
        """Return when an entry expires, None for never."""
        if self.lasts and (timeout is None or timeout is DEFAULT_TIMEOUT or timeout > 0):
            return None
        return super().get_backend_timeout(timeout)
