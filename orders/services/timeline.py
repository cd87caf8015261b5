"""Functions that write timeline entries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from cvety_crm.users import User
from orders.models import Order, OrderEvent, Reason, Source
from orders.timeline_payloads import Payload


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the changes for a timeline entry: name, old and new value of each field that differs."""
    return [
        {"field": name, "old": before[name], "new": after[name]} for name in after if before.get(name) != after[name]
    ]


def new_event(
    *,
    order: Order,
    payload: Payload,
    source: Source,
    changes: list[dict[str, Any]] | None = None,
    actor: User | None = None,
    reason: Reason = Reason.NONE,
    happened_at: datetime | None = None,
    webhook_event_id: UUID | None = None,
    push_id: UUID | None = None,
) -> OrderEvent:
    """Return an unsaved timeline entry, dated now unless `happened_at` is given. The payload determines its kind."""
    return OrderEvent(
        order=order,
        kind=payload.kind,
        source=source,
        actor=actor,
        changes=changes or [],
        reason=reason,
        details=payload.to_json(),
        webhook_event_id=webhook_event_id,
        push_id=push_id,
        **({"happened_at": happened_at} if happened_at else {}),
    )


def write_event(
    *,
    order: Order,
    payload: Payload,
    source: Source,
    changes: list[dict[str, Any]] | None = None,
    actor: User | None = None,
    reason: Reason = Reason.NONE,
    happened_at: datetime | None = None,
    webhook_event_id: UUID | None = None,
    push_id: UUID | None = None,
) -> OrderEvent:
    """Insert a timeline entry and return it. The arguments are the same as for `new_event`."""
    event = new_event(
        order=order,
        payload=payload,
        source=source,
        changes=changes,
        actor=actor,
        reason=reason,
        happened_at=happened_at,
        webhook_event_id=webhook_event_id,
        push_id=push_id,
    )
    event.save(force_insert=True)
    return event


def replace_payload(event: OrderEvent, payload: Payload) -> None:
    """Replace the payload of an entry by a payload of the same kind. Stored keys that the payload lacks are kept."""
    event.details = {**event.details, **payload.to_json()}
    event.save(update_fields=["details", "updated_at"])
