"""What the handlers of webhook events are given and return."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bitrix_bridge.models import WebhookEvent
from cvety_crm.bulk_writes import Writes
from orders.models import Order


@dataclass(frozen=True, slots=True)
class Handling:
    """What a handler needs besides the event."""

    writes: Writes = field(default_factory=Writes)
    """The rows to store. The caller stores them together with the event's row."""
    expects_new: bool = False
    """Whether the order of an event `order.create` is probably new, because the event is processed for the first time.
    """


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of processing an event."""

    action: str
    order: Order | None = None
    problems: tuple[Mapping[str, Any], ...] = ()
    reason: str = ""
    """The reason shown to staff if the action alone does not explain the outcome."""
    is_open: bool = False
    """Whether the event has to be processed again after the order has been fetched."""
    is_about_erased: bool = False
    """Whether the event is about a customer whose data was erased, so that it must not be kept."""


def data_of(row: WebhookEvent) -> Mapping[str, Any]:
    """Return the data of an event, which are empty if the payload contains no object."""
    data = row.payload.get("data")
    return data if isinstance(data, Mapping) else {}
