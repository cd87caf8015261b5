"""The way back: which webhooks about the order of a check have arrived. Reads the inbox, writes nothing."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import Error as DatabaseError

from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads import is_check_order
from bitrix_bridge.payloads.identity import CHECK_XML_ID_PREFIX
from bitrix_bridge.payloads.translation import ABSENT, Fields


def is_about_check(row: WebhookEvent) -> bool:
    """Return whether an event is about an order that a check of the site has made.

    A status alone names only the ID: it is understood by what was said of the same order before. Whole orders without
    an XML_ID come from senders that know nothing of checks, and are not looked up.
    """
    event = row.event.strip().lower()
    if not event.startswith("order."):
        return False
    data = row.payload.get("data")
    xml_id = Fields(data).peek("XML_ID") if isinstance(data, Mapping) else ABSENT
    if xml_id is not ABSENT:
        return is_check_order(xml_id)
    if not event.startswith("order.status"):
        return False
    earlier = WebhookEvent.objects.filter(object_id=row.object_id, action=WebhookEvent.Action.IGNORED)
    return earlier.filter(payload__data__XML_ID__startswith=CHECK_XML_ID_PREFIX).exists()


WAIT_SECONDS = 20.0
LOOK_SECONDS = 0.5
LAST = "order.delete"
"""The event that ends the order of a check: behind it none is waited for."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """The events of the check's order in the inbox, in the order in which they came, and the seconds waited for them.

    `events` is None where the database could not be read.
    """

    events: tuple[str, ...] | None
    seconds: float

    @property
    def is_complete(self) -> bool:
        """Return whether the site has announced the order up to its end."""
        return self.events is not None and LAST in self.events


def wait_for_events(
    order_id: int,
    xml_id: str,
    *,
    stop_if_told: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Arrival:
    """Wait until the site has announced that the order is deleted, `WAIT_SECONDS` at most.

    Raises what `stop_if_told` raises.
    """
    started = time.monotonic()
    while True:
        stop_if_told()
        passed = time.monotonic() - started
        try:
            arrival = Arrival(_events(order_id, xml_id), passed)
        except DatabaseError:
            return Arrival(None, passed)
        if arrival.is_complete or passed >= WAIT_SECONDS:
            return arrival
        sleep(min(LOOK_SECONDS, max(WAIT_SECONDS - passed, 0.0)))


def _events(order_id: int, xml_id: str) -> tuple[str, ...]:
    rows = WebhookEvent.objects.filter(object_id=order_id, payload__data__XML_ID=xml_id)
    return tuple(rows.order_by("created_at").values_list("event", flat=True))
