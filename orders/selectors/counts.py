"""How many orders need somebody, for the start page and the sidebar: the numbers of the order list's presets."""

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache

from orders.selectors.presets import Moment, counts

KEEP_SECONDS = 5
"""All numbers are counted at once, for whoever asks for one of them next."""
_KEY = "orders.selectors.counts"


def new_orders() -> int:
    """Return how many orders nobody has accepted yet."""
    return _count("new")


def late() -> int:
    """Return how many open orders are past the end of their slot."""
    return _count("late")


def problems() -> int:
    """Return how many orders somebody has marked as a problem."""
    return _count("problems")


def unclosed() -> int:
    """Return how many orders of earlier days are open still."""
    return _count("unclosed")


def exchange_errors() -> int:
    """Return how many orders the site refused, or decided otherwise about."""
    return _count("sync")


def unanswered_photos() -> int:
    """Return how many customers have a link to the photo of their bouquet and have not answered."""
    return _count("photos")


def _count(preset: str) -> int:
    kept: dict[str, int] | None = cache.get(_KEY)
    if kept is None:
        kept = counts(Moment.of(AnonymousUser()))
        cache.set(_KEY, kept, KEEP_SECONDS)
    return kept[preset]
