"""Functions that store the data of a snapshot that is not merged, such as its version and the time of its receipt."""

from collections.abc import Sequence
from typing import Any

from orders.models import Order
from orders.services.inbound.metadata import merged_metadata
from orders.services.inbound.origin import Origin
from orders.services.references import References
from orders.services.unknown import mark_unknown_items
from orders.sync.agreement import Agreement
from orders.sync.fields import FIELDS, ITEMS, Line, order_values
from orders.sync.snapshot import OrderSnapshot
from orders.sync.unknown import answered_texts, still_unknown


def set_bookkeeping(
    order: Order,
    snapshot: OrderSnapshot,
    agreement: Agreement,
    references: References,
    origin: Origin,
    lines: Sequence[Line] | None,
) -> set[str]:
    """Set the columns of an existing order that are not merged, and return the names of the changed columns.

    They are the site's id, the version, the pay system, the times, the metadata, the unknown values and `is_stub`.
    `lines` are the items of the order after the merge, or None if the snapshot has no items.
    """
    known: dict[str, Any] = {"bitrix_order_id": snapshot.bitrix_order_id}
    if snapshot.version is not None:
        known["bitrix_version"] = snapshot.version
    if snapshot.updated_at is not None:
        known["bitrix_updated_at"] = snapshot.updated_at
    if snapshot.pay_system is not None:
        known["pay_system_id"] = snapshot.pay_system
    if not snapshot.is_partial:
        if order.is_stub and snapshot.created_at is not None:
            known["created_at"] = snapshot.created_at
        known["is_stub"] = False
    known["metadata"] = merged_metadata(order.metadata, snapshot)
    known["unknown_values"] = _unknown_values(order, agreement, snapshot)
    if order.completed_at is None and references.status_is_final:
        known["completed_at"] = origin.settled_at
    changed = {column for column, value in known.items() if getattr(order, column) != value}
    for column in changed:
        setattr(order, column, known[column])
    if lines is not None and mark_unknown_items(order, lines, snapshot.unread.get(ITEMS, "")):
        changed.add("unknown_values")
    note_received(agreement, snapshot, origin)
    return changed


def _unknown_values(order: Order, agreement: Agreement, snapshot: OrderSnapshot) -> dict[str, str]:
    """Return the unknown values. A value that staff have set and that is not on the site yet stays known."""
    unknown = still_unknown(order.unknown_values, answered_texts(order.metadata), snapshot)
    new = [name for name in unknown if name not in order.unknown_values and name in FIELDS and FIELDS[name].is_pushed]
    pending = agreement.unsent(order_values(order, new))
    return {name: text for name, text in unknown.items() if name not in pending}


def note_received(agreement: Agreement, snapshot: OrderSnapshot, origin: Origin) -> None:
    """Record in the agreement which snapshot was received, and when."""
    if not origin.is_copied:
        agreement.times_received += 1
    if snapshot.is_partial:
        agreement.status_received_at = origin.happened_at
    else:
        _note_whole_order(agreement, snapshot, is_copied=origin.is_copied)
    if snapshot.version is not None or snapshot.updated_at is not None:
        agreement.unversioned_at = None
    elif not snapshot.is_partial and not origin.is_copied:
        agreement.unversioned_at = origin.happened_at
    if snapshot.announced_at is None:
        return
    column = "status_announced_at" if snapshot.is_partial else "announced_at"
    setattr(agreement, column, max(snapshot.announced_at, getattr(agreement, column) or snapshot.announced_at))


def _note_whole_order(agreement: Agreement, snapshot: OrderSnapshot, *, is_copied: bool) -> None:
    if not is_copied:
        agreement.answered, agreement.is_unclear = None, False
    if not is_copied or snapshot.version != agreement.received_version:
        agreement.checksum = snapshot.checksum
    agreement.received_version = agreement.received_version if snapshot.version is None else snapshot.version
    agreement.received_updated_at = snapshot.updated_at or agreement.received_updated_at
