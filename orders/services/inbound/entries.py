"""The timeline entry of an applied snapshot."""

from collections.abc import Sequence
from typing import Any

from cvety_crm.bulk_writes import Writes
from orders.models import Order, OrderEvent, Reason
from orders.services.inbound.metadata import Oddities
from orders.services.inbound.origin import Origin
from orders.services.timeline import new_event
from orders.sync.agreement import STATUS
from orders.sync.three_way_merge import Merge
from orders.timeline_payloads import BothChanged, FieldsChanged, FromSite, Noted, OrderCreated, StatusChanged


def payload_of(merged: Merge, changes: Sequence[dict[str, Any]], odd: Oddities, occasion: Reason) -> FromSite:
    """Return the timeline payload of an update: a conflict, a change of status or of fields, or a remark."""
    if merged.kept or merged.yielded:
        return BothChanged(
            problems=odd.problems,
            remarks=odd.remarks,
            occasion=occasion,
            desired=merged.yielded,
            site_values=merged.kept,
        )
    payload = StatusChanged if STATUS in merged.taken else FieldsChanged if changes else Noted
    return payload(problems=odd.problems, remarks=odd.remarks, occasion=occasion)


def write_entry(
    order: Order,
    payload: FromSite,
    origin: Origin,
    changes: list[dict[str, Any]],
    merged: Merge | None = None,
    *,
    writes: Writes,
) -> OrderEvent:
    """Write the timeline entry with the most important reason. Its payload has the reason for a fetch (`occasion`)."""
    reason = Reason.UNREADABLE if payload.problems else Reason.NONE
    if order.is_stub:
        reason = Reason.STUB
    if merged and merged.kept:
        reason = Reason.OURS_STAYS
    if merged and merged.yielded:
        reason = Reason.SITE_DECIDES
    is_imported_creation = origin.is_copied and isinstance(payload, OrderCreated)
    event = new_event(
        order=order,
        payload=payload,
        source=origin.source,
        actor=origin.actor,
        changes=changes,
        reason=reason or origin.reason,
        happened_at=order.created_at if is_imported_creation else None,
        webhook_event_id=origin.webhook_event_id,
        push_id=origin.push_id,
    )
    writes.insert(event)
    return event
