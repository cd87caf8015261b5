"""Limit the size and the age of the cache of pictures, once a day."""

from datetime import timedelta

from django.conf import settings

from orders.product_pictures import disk_cache

MAX_AGE = timedelta(days=30)
"""A picture is fetched again after this time, because the site may replace a picture under the same address."""


def prune() -> int:
    """Delete old pictures, and the oldest ones if the cache is larger than `PICTURE_CACHE_MB`.

    Return the number of deleted files.
    """
    return disk_cache.prune(max_bytes=settings.PICTURE_CACHE_MB * 1024 * 1024, max_age=MAX_AGE.total_seconds())
