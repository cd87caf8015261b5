"""The merge of a snapshot into an existing order, field by field, with one timeline entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from orders.events import OrderChange
from orders.models import Order, Reason, SyncState
from orders.services.inbound.batch import Batch
from orders.services.inbound.bookkeeping import set_bookkeeping
from orders.services.inbound.details import detail_changes
from orders.services.inbound.entries import payload_of, write_entry
from orders.services.inbound.incoming import Incoming, read_incoming
from orders.services.inbound.metadata import new_oddities
from orders.services.inbound.origin import Origin
from orders.services.inbound.outcomes import Applied, Doubt, Outcome
from orders.services.inbound.owner import CUSTOMER_COLUMNS, customer_change, set_customer
from orders.services.items import as_snapshot, rebind_lines, store_items
from orders.services.locking import settle_sync_state
from orders.services.making_facts import follow_status
from orders.services.payment_rows import lacking_payments
from orders.services.route_position import clear_position
from orders.services.site_limits import write_damaged
from orders.services.timeline import changes_between
from orders.services.totals import FEE, TOTAL, merged_total
from orders.sync.agreement import STATUS, Agreement
from orders.sync.fields import FIELDS, ITEMS, Line, comparable, order_values
from orders.sync.freshness import Freshness, Verdict
from orders.sync.paid_amount import PAID, paid_after
from orders.sync.paid_amount import STATUS as PAYMENT
from orders.sync.snapshot import ItemSnapshot, OrderSnapshot
from orders.sync.three_way_merge import Merge, merge

SITE_DECIDES = frozenset({STATUS})
"""Fields in which a change made on the site replaces our change. The timeline still contains the manager's choice."""


@dataclass(slots=True)
class _Change:
    """The changes that the merge makes to the order. The steps of `update` add to them."""

    merged: Merge
    paid: Decimal
    """The paid amount after the merge."""
    before: Mapping[str, Any]
    """Our values before the merge, in comparable form."""
    lines_before: Sequence[ItemSnapshot]
    lines: Sequence[Line] | None
    """Our items after the merge, or None if they were not loaded."""
    entries: list[dict[str, Any]]
    """The changes for the timeline: field, old, new."""
    columns: set[str] = field(default_factory=set)
    """The columns to save."""


def update(
    order: Order,
    agreement: Agreement,
    snapshot: OrderSnapshot,
    origin: Origin,
    freshness: Freshness,
    batch: Batch,
) -> Applied:
    """Merge the snapshot into the order and save the order.

    The snapshot is not applied if its contents contradict its version and dates.
    """
    writes = batch.writes
    stored, damaged = _stored(order, agreement.as_json()), dict(agreement.damaged)
    is_first, had_failed = order.bitrix_order_id is None, order.sync_state == SyncState.FAILED
    if origin.fresh is not None:
        agreement.answered_at = origin.fresh.read_at
    existing = batch.items.get(order.pk, ())
    incoming = read_incoming(order, agreement, snapshot, freshness, existing, batch.references, batch.stored.limits)
    doubt = Doubt.STATUS if incoming.status_verdict is Verdict.FETCH else None
    if snapshot.is_partial and not incoming.status_verdict.is_applied:
        return Applied(order, Outcome.STALE, doubt)
    if freshness.is_twin(snapshot.version, incoming.theirs, agreement):
        return Applied(order, Outcome.STALE, Doubt.CLOCKS if freshness.is_fetch_due else None)
    if freshness.is_repetition and freshness.can_fetch:
        return Applied(order, Outcome.UNCHANGED)
    is_guess = freshness.is_repetition or Verdict.GUESS in (freshness.verdict, incoming.status_verdict)
    if is_guess:
        origin = replace(origin, reason=Reason.GUESSED)

    change = _merge(order, agreement, incoming, batch)
    _set_fields(order, incoming, change)
    _set_making(order, incoming, origin, change, batch)
    _store_lines(order, incoming, change, batch, is_damaged=ITEMS in agreement.damaged)
    _set_total(order, incoming, change)
    _unarchive(order, origin, change)
    unknown_before = set(order.unknown_values)
    metadata_before = None if order.is_stub or origin.is_copied else order.metadata
    change.columns |= set_bookkeeping(order, snapshot, agreement, incoming.references, origin, change.lines)
    change.entries += _now_known(order, unknown_before, change)
    if metadata_before is not None:
        change.entries += detail_changes(order, metadata_before, incoming.existing, change.lines_before, snapshot)
    ordered_before = order.customer
    is_customer_changed = set_customer(
        order, snapshot.customer, agreement, repeats_contacts=freshness.repeats_contacts, batch=batch
    )
    change.entries += customer_change(ordered_before, order)
    _set_sync_state(order, agreement, change, batch)
    if change.columns or is_customer_changed or stored != _stored(order, order.bitrix_state):
        writes.update(order, [*change.columns, *CUSTOMER_COLUMNS, "bitrix_state", "sync_state", "updated_at"])
    if PAID in change.merged.taken:
        paid = batch.stored.payments(order)
        lacking = lacking_payments(order, paid, source=origin.source, at=origin.happened_at, site=snapshot.payments)
        batch.stored.add_payments(order, lacking)
        writes.insert(*lacking)
    _record(order, snapshot, origin, change, batch)
    batch.add_order(order)
    new_pairs = {name: pair for name, pair in agreement.damaged.items() if damaged.get(name) != pair}
    write_damaged(order, new_pairs, push_id=origin.push_id, webhook_event_id=origin.webhook_event_id, writes=writes)
    outcome = Outcome.UPDATED if change.entries or is_customer_changed else Outcome.UNCHANGED
    ends_failure = had_failed and order.sync_state == SyncState.SYNCED
    is_unsure = freshness.is_by_arrival and outcome == Outcome.UPDATED
    return Applied(order, outcome, doubt, is_first, ends_failure, is_unsure, is_guess)


def _stored(order: Order, state: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values that are saved besides the changed columns."""
    return dict(state), order.sync_state, order.customer_id


def _merge(order: Order, agreement: Agreement, incoming: Incoming, batch: Batch) -> _Change:
    """Merge the values, and record the site's values as the agreed ones. The order itself is not changed yet."""
    if incoming.site_status is not None:
        agreement.site_status = incoming.site_status
    lines: Sequence[Line] | None = None if incoming.items is None else incoming.existing
    before = order_values(order, incoming.theirs, lines)
    ours = order_values(order, (PAID, PAYMENT))
    paid = paid_after(
        agreement,
        ours=ours,
        theirs=incoming.theirs,
        is_recorded=lambda: batch.stored.has_payment_entry(order),
    )
    merged = merge(agreement, ours=before, theirs=incoming.theirs, site_decides=SITE_DECIDES)
    merged, values = _with_paid(merged, incoming.theirs, paid, is_changed=paid != ours[PAID])
    before |= {PAID: ours[PAID]}
    return _Change(
        merged=merged,
        before=before,
        paid=Decimal(paid),
        lines_before=[as_snapshot(item) for item in incoming.existing],  # copies, since `store_items` changes the rows
        lines=lines,
        entries=changes_between(
            before | dict.fromkeys(name for name in merged.taken if order.is_unknown(name)),
            {name: values[name] for name in merged.taken},
        ),
    )


def _with_paid(
    merged: Merge, theirs: Mapping[str, Any], paid: Any, *, is_changed: bool
) -> tuple[Merge, Mapping[str, Any]]:
    """Return the merge and the site's values with the amount that is paid on both sides together."""
    taken = [name for name in merged.taken if name != PAID]
    if is_changed or (PAID in merged.taken and theirs[PAID] == paid):
        taken.append(PAID)
    return replace(merged, taken=tuple(taken)), {**theirs, PAID: paid}


def _set_fields(order: Order, incoming: Incoming, change: _Change) -> None:
    """Set the fields in which the site's value is applied. The site's status ends the hold period of our status."""
    for name in change.merged.taken:
        if name != ITEMS:
            setattr(order, FIELDS[name].attribute, change.paid if name == PAID else incoming.fields[name])
            change.columns.add(FIELDS[name].attribute)
    change.columns.update(clear_position(order, change.merged.taken))
    if STATUS in change.merged.taken:
        order.status_held_until = None
        change.columns.add("status_held_until")


def _set_making(order: Order, incoming: Incoming, origin: Origin, change: _Change, batch: Batch) -> None:
    """Set the facts of the making that the site's status implies. A copy of its database does not say when."""
    if STATUS not in change.merged.taken or origin.is_copied:
        return
    stage = incoming.references.status_stage
    read = batch.stored.statuses
    changes = follow_status(order, change.before[STATUS], at=origin.happened_at, stage=stage, read_statuses=read)
    change.entries += changes
    change.columns |= {one["field"] for one in changes}


def _store_lines(order: Order, incoming: Incoming, change: _Change, batch: Batch, *, is_damaged: bool) -> None:
    """Store the site's items if they are applied or equal to our items. Otherwise store only the ids of its items."""
    if incoming.items is None:
        return
    if ITEMS in change.merged.taken or (change.before[ITEMS] == incoming.theirs[ITEMS] and not is_damaged):
        batch.items[order.pk] = store_items(
            order=order,
            existing=incoming.existing,
            wanted=incoming.items,
            products=incoming.references.products,
            writes=batch.writes,
        )
        change.lines = incoming.items
    else:
        rebind_lines(incoming.existing, incoming.items, batch.writes)


def _set_total(order: Order, incoming: Incoming, change: _Change) -> None:
    """Compute the sum from the items and the fee if the site has changed one of them and staff the other."""
    if TOTAL not in change.merged.kept or not {ITEMS, FEE} <= incoming.theirs.keys():
        return
    lines = incoming.items if ITEMS in change.merged.taken and incoming.items else change.lines_before
    if order.is_unknown(TOTAL) or order.is_unknown(FEE):
        return
    total = merged_total(change.before, change.lines_before, lines, order.delivery_fee)
    if total is None or total == order.total_amount:
        return
    order.total_amount = total
    change.columns.add(TOTAL)
    kept = {name: value for name, value in change.merged.kept.items() if name != TOTAL}
    change.merged = replace(change.merged, kept=kept)
    change.entries.append({"field": TOTAL, "old": change.before[TOTAL], "new": comparable(total)})


def _now_known(order: Order, unknown_before: set[str], change: _Change) -> list[dict[str, Any]]:
    """Return the changes of fields whose value was unknown and is the default value now, such as "not paid"."""
    written = {entry["field"] for entry in change.entries}
    names = [name for name in unknown_before if name in FIELDS and name not in written and not order.is_unknown(name)]
    return [{"field": name, "old": None, "new": value} for name, value in order_values(order, sorted(names)).items()]


def _unarchive(order: Order, origin: Origin, change: _Change) -> None:
    """Remove the mark of an archived order if the site itself reports the order, not a copy of its database."""
    if order.is_archived_on_site and not origin.is_copied:
        order.is_archived_on_site = False
        change.columns.add("is_archived_on_site")
        change.entries.append({"field": "is_archived_on_site", "old": True, "new": False})


def _set_sync_state(order: Order, agreement: Agreement, change: _Change, batch: Batch) -> None:
    """Set the sync state, and store the agreement on the order."""
    if change.merged.yielded:
        order.sync_state = SyncState.CONFLICT
        for name in change.merged.yielded:
            agreement.sent.pop(name, None)  # the site has set a different value since then
    elif order.sync_state == SyncState.CONFLICT and STATUS in change.merged.taken:
        order.sync_state = SyncState.PENDING  # the conflict was about an earlier status of the site
    settle_sync_state(order, agreement, change.lines if change.lines is not None else batch.items.get(order.pk))
    order.bitrix_state = agreement.as_json()


def _record(order: Order, snapshot: OrderSnapshot, origin: Origin, change: _Change, batch: Batch) -> None:
    """Write and publish the timeline entry if there is a changed field, a conflict, an unreadable field or a remark.

    An unreadable field or a remark that the timeline already contains does not count.
    """
    odd = new_oddities(snapshot, origin.history, lambda: batch.stored.remarkable_entries(order))
    if change.entries or change.merged.kept or change.merged.yielded or odd:
        payload = payload_of(change.merged, change.entries, odd, origin.reason)
        event = write_entry(order, payload, origin, change.entries, change.merged, writes=batch.writes)
        if odd:
            batch.stored.add_entry(order, payload)
        batch.publish(OrderChange(order, event, has_payments=True))
