"""The record of printed postcards. A postcard that is printed twice by mistake may end up in two bouquets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from cvety_crm.users import User
from orders.models import EventKind, OrderEvent, Source
from orders.services.locking import lock_orders
from orders.services.timeline import new_event
from orders.timeline_payloads import PostcardPrinted


@dataclass(frozen=True, slots=True)
class Print:
    """One printing of an order's postcard."""

    printed_at: datetime
    who: str
    paper_format: str


class AlreadyPrintedError(Exception):
    """The error that postcards of the orders `order_ids` were printed more often than the actor's page showed."""

    def __init__(self, order_ids: Sequence[UUID]) -> None:
        super().__init__(f"{len(order_ids)} postcards were printed before")
        self.order_ids = order_ids


def postcard_prints(order_ids: Sequence[UUID]) -> dict[UUID, list[Print]]:
    """Return the prints of each order's postcard, the latest print first, with one query."""
    found: dict[UUID, list[Print]] = {}
    events = OrderEvent.objects.filter(order__in=order_ids, kind=EventKind.PRINTED).select_related("actor")
    for event in events.order_by("-happened_at", "-created_at"):
        paper_format = PostcardPrinted.from_json(event.details).paper_format
        found.setdefault(event.order_id, []).append(Print(event.happened_at, event.who, paper_format))
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
    """Write a timeline entry for each printed postcard, with four queries for any number of orders.

    `seen` contains the number of earlier prints that the actor's page showed for each order. If an order has more
    prints, write nothing and raise `AlreadyPrintedError`. No order changes, so the entries are not published.
    """
    orders = lock_orders(order_ids)
    locked = [order.pk for order in orders]
    prints = postcard_prints(locked)
    unseen = [key for key in locked if len(prints.get(key, ())) > seen.get(key, 0)]
    if unseen:
        raise AlreadyPrintedError(unseen)
    OrderEvent.objects.bulk_create(
        new_event(order=order, payload=PostcardPrinted(paper_format=paper_format), source=source, actor=actor)
        for order in orders
    )
