"""The counts of the order list's presets, for the start page and the sidebar."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.db.models import Count

from orders.models import Order
from orders.selectors.presets import BY_KEY, Moment, counts, is_current

KEEP_SECONDS = 5
"""How long the counts are cached. All counts are queried together."""
_KEY = "orders.selectors.counts"


def new_orders() -> int:
    """Return how many orders are not accepted yet."""
    return _count("new")


def without_florist() -> int:
    """Return how many bouquets that are still to be made have no florist."""
    return _count("auction")


def ready() -> int:
    """Return how many bouquets are ready and still here."""
    return _count("ready")


def late() -> int:
    """Return how many open orders were due before now."""
    return _count("late")


def problems() -> int:
    """Return how many orders have a problem."""
    return _count("problems")


def unclosed() -> int:
    """Return how many orders of earlier days are still open."""
    return _count("unclosed")


def exchange_errors() -> int:
    """Return how many orders have a failed push or a status conflict."""
    return _count("sync")


def unanswered_photos() -> int:
    """Return how many orders have an open photo link without an answer."""
    return _count("photos")


def of_preset(key: str) -> int:
    """Return the count of a preset that does not depend on the user."""
    return _count(key)


def of_list(at: Moment, changed: str) -> dict[str, int]:
    """Return the counts of all presets for the user of this moment.

    `changed` is the time of the latest change of any order. The counts are cached until it is another one, but not for
    longer than `KEEP_SECONDS`, because orders become late without a change.
    """
    codes = tuple((stage, tuple(found)) for stage, found in sorted(at.codes.items()))
    kept: tuple[Any, dict[str, int]] | None = cache.get(f"{_KEY}.list:{at.user_id}")
    if kept is not None and kept[0] == (changed, codes):
        return kept[1]
    found = counts(at)
    cache.set(f"{_KEY}.list:{at.user_id}", ((changed, codes), found), KEEP_SECONDS)
    return found


def own(at: Moment) -> dict[str, int]:
    """Return the counts of the presets `mine` and `made` for the user of this moment, with one query."""
    current = Order.objects.order_by().filter(is_current(at))
    return current.aggregate(
        mine=Count("pk", filter=BY_KEY["mine"].condition(at) & at.is_open()),
        made=Count("pk", filter=BY_KEY["made"].condition(at)),
    )


def _count(preset: str) -> int:
    kept: dict[str, int] | None = cache.get(_KEY)
    if kept is None:
        kept = counts(Moment.of(AnonymousUser()))
        cache.set(_KEY, kept, KEEP_SECONDS)
    return kept[preset]
