"""Writing timeline entries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from orders.models import EventKind, Order, OrderEvent, Reason, Source


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the timeline's list of what differs, in comparable form."""
    return [
        {"field": name, "old": before[name], "new": after[name]} for name in after if before.get(name) != after[name]
    ]


def write_event(
    *,
    order: Order,
    kind: EventKind,
    source: Source,
    changes: list[dict[str, Any]] | None = None,
    actor: User | None = None,
    reason: Reason = Reason.NONE,
    details: Mapping[str, Any] | None = None,
    happened_at: datetime | None = None,
    webhook_event_id: UUID | None = None,
    push_id: UUID | None = None,
) -> OrderEvent:
    """Insert one entry, of this moment unless it is said to have happened at another."""
    event = OrderEvent(
        order=order,
        kind=kind,
        source=source,
        actor=actor,
        changes=changes or [],
        reason=reason,
        details=dict(details or {}),
        webhook_event_id=webhook_event_id,
        push_id=push_id,
        **({"happened_at": happened_at} if happened_at else {}),
    )
    event.save(force_insert=True)
    return event
