"""Wait for the webhooks about the order of a site check. The inbox is only read."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import Error as DatabaseError

from bitrix_bridge.models import WebhookEvent

WAIT_SECONDS = 20.0
POLL_SECONDS = 0.5
LAST_EVENT = "order.delete"
"""The last event about the order of a site check. The check waits until this event arrives."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """The received events about the check's order, the oldest first, and the seconds for which the check waited.

    `events` is None if the database could not be read.
    """

    events: tuple[str, ...] | None
    seconds: float

    @property
    def is_complete(self) -> bool:
        """Return whether the last event has arrived."""
        return self.events is not None and LAST_EVENT in self.events


def wait_for_events(
    order_id: int,
    xml_id: str,
    *,
    stop_if_requested: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Arrival:
    """Wait until the webhook about the deletion arrives, but at most `WAIT_SECONDS`.

    Raise any exception of `stop_if_requested`, which is called repeatedly.
    """
    started = time.monotonic()
    while True:
        stop_if_requested()
        passed = time.monotonic() - started
        try:
            arrival = Arrival(_events(order_id, xml_id), passed)
        except DatabaseError:
            return Arrival(None, passed)
        if arrival.is_complete or passed >= WAIT_SECONDS:
            return arrival
        sleep(min(POLL_SECONDS, max(WAIT_SECONDS - passed, 0.0)))


def _events(order_id: int, xml_id: str) -> tuple[str, ...]:
    rows = WebhookEvent.objects.filter(object_id=order_id, payload__data__XML_ID=xml_id)
    return tuple(rows.order_by("created_at").values_list("event", flat=True))
