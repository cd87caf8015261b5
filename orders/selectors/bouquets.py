"""The bouquets that a florist makes next."""

from collections.abc import Sequence

from django.db.models import F, Q

from orders.models import Order
from orders.rules.lateness import DueAt
from orders.selectors.presets import Moment, is_current

MOST = 6


def next_bouquets(at: Moment) -> Sequence[Order]:
    """Return the next bouquets by time: those of the user of this moment, and those that any florist may take.

    It takes two queries.
    """
    theirs = Q(responsible=at.user_id) | Q(responsible=None)
    found = Order.objects.annotate(due=DueAt()).filter(is_current(at), at.is_open(), at.is_to_make(), theirs)
    found = found.select_related("status", "delivery_slot").defer("search", "metadata", "bitrix_state")
    return list(found.prefetch_related("items").order_by(F("due").asc(nulls_last=True), "created_at", "id")[:MOST])
