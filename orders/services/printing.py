"""Remembering which postcards were printed: a card that lies in two bouquets is worse than one that is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from orders.models import EventKind, OrderEvent, Source
from orders.services.locking import lock_orders


@dataclass(frozen=True, slots=True)
class Print:
    """One printing of an order's postcard."""

    printed_at: datetime
    who: str
    paper_format: str


class AlreadyPrintedError(Exception):
    """Some of the postcards were printed more often than the person who prints them knows. `order_ids`: which."""

    def __init__(self, order_ids: Sequence[UUID]) -> None:
        super().__init__(f"{len(order_ids)} postcards were printed before")
        self.order_ids = order_ids


def postcard_prints(order_ids: Sequence[UUID]) -> dict[UUID, list[Print]]:
    """Return, by order, when its postcard was printed, the latest first. One query."""
    found: dict[UUID, list[Print]] = {}
    events = OrderEvent.objects.filter(order__in=order_ids, kind=EventKind.PRINTED).select_related("actor")
    for event in events.order_by("-happened_at", "-created_at"):
        actor = event.actor
        who = (actor.get_full_name() or actor.get_username()) if actor else ""
        paper_format = str(event.details.get("paper_format", ""))
        found.setdefault(event.order_id, []).append(Print(event.happened_at, who, paper_format))
    return found


@transaction.atomic
def record_postcards_printed(
    *,
    order_ids: Sequence[UUID],
    paper_format: str,
    seen: Mapping[UUID, int],
    actor: User | None,
    source: Source = Source.ADMIN,
) -> None:
    """Write on each order's timeline that its postcard was printed. Four queries, however many orders.

    `seen` says of how many earlier prints of an order the person knows. Raises `AlreadyPrintedError`, and writes
    nothing, when there are more. Nothing of the order changes, so no handler is called: there is nothing to tell
    anybody.
    """
    locked = [order.pk for order in lock_orders(order_ids)]
    prints = postcard_prints(locked)
    unseen = [key for key in locked if len(prints.get(key, ())) > seen.get(key, 0)]
    if unseen:
        raise AlreadyPrintedError(unseen)
    OrderEvent.objects.bulk_create(
        OrderEvent(
            order_id=key,
            kind=EventKind.PRINTED,
            source=source,
            actor=actor,
            details={"paper_format": paper_format},
        )
        for key in locked
    )
