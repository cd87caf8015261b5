"""The timeline entry of a snapshot: what kind it is of, and why things went as they did."""

from collections.abc import Sequence
from typing import Any

from orders.models import EventKind, Order, OrderEvent, Reason
from orders.services.inbound.origin import Origin
from orders.services.timeline import write_event
from orders.sync.three_way_merge import STATUS, Merge


def kind_of(merged: Merge, changes: Sequence[dict[str, Any]]) -> EventKind:
    """Return the kind of the entry of an order that was known already."""
    if merged.kept or merged.yielded:
        return EventKind.CONFLICT
    if STATUS in merged.taken:
        return EventKind.STATUS
    return EventKind.CHANGED if changes else EventKind.NOTED


def write_entry(
    order: Order,
    kind: EventKind,
    origin: Origin,
    changes: list[dict[str, Any]],
    details: dict[str, Any],
    merged: Merge | None = None,
) -> OrderEvent:
    """Write the entry, with the reason that counts most; the others are in its details."""
    reason = Reason.UNREADABLE if "problems" in details else Reason.NONE
    if order.is_stub:
        reason = Reason.STUB
    if merged and merged.kept:
        reason, details = Reason.OURS_STAYS, {**details, "theirs": dict(merged.kept)}
    if merged and merged.yielded:
        reason, details = Reason.SITE_DECIDES, {**details, "wish": dict(merged.yielded)}
    if origin.reason:
        # A rule that has decided is named first, but what has caused the snapshot is not lost.
        details = {**details, "occasion": str(origin.reason)}
        reason = reason or origin.reason
    return write_event(
        order=order,
        kind=kind,
        source=origin.source,
        actor=origin.actor,
        changes=changes,
        reason=reason,
        details=details,
        happened_at=order.created_at if origin.is_copied and kind == EventKind.CREATED else None,
        webhook_event_id=origin.webhook_event_id,
        push_id=origin.push_id,
    )
