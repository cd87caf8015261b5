"""The services that apply snapshots: they find or create the orders, and merge the snapshots that are new."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from cvety_crm.bulk_writes import Writes
from cvety_crm.users import User
from orders.models import Order, Reason, Source
from orders.services.inbound.batch import Arrived, Batch
from orders.services.inbound.creation import create
from orders.services.inbound.origin import Origin
from orders.services.inbound.outcomes import Applied, Doubt, Outcome
from orders.services.inbound.update import update
from orders.services.references import with_cities
from orders.sync.agreement import Agreement
from orders.sync.freshness import Known, Verdict, freshness_of
from orders.sync.personal_data import snapshot_without_people
from orders.sync.snapshot import FreshRead, HistoryRead, OrderSnapshot


def apply_snapshot(
    *,
    snapshot: OrderSnapshot,
    source: Source = Source.SITE,
    webhook_event_id: UUID | None = None,
    push_id: UUID | None = None,
    received_at: datetime | None = None,
    actor: User | None = None,
    reason: Reason = Reason.NONE,
    fresh: FreshRead | None = None,
    history: HistoryRead | None = None,
    is_absent: bool = False,
    is_repetition: bool = False,
    can_fetch: bool = True,
    expects_new: bool = False,
    writes: Writes | None = None,
) -> Applied:
    """Create or update the order that the snapshot describes, unless the snapshot is outdated.

    `orders.sync.freshness` decides whether the snapshot is outdated. `fresh` describes the fetch that returned the
    snapshot, and `history` the import that read it from a copy of the site's database. If a webhook event is processed
    again, `received_at` is the time when it was first received, by the clock of the CRM. `actor` and `reason` are
    stored in the timeline entry. `is_absent` means that the caller knows that there is no such order, and `expects_new`
    that there is probably none. `is_repetition` means that an earlier event had the same contents: the snapshot is not
    applied, because it may be outdated. Without `can_fetch`, a snapshot whose age only the site knows is applied,
    because no fetch can decide. `writes` is that of `apply_snapshots`.
    """
    origin = Origin(
        source=source,
        webhook_event_id=webhook_event_id,
        push_id=push_id,
        received_at=received_at,
        actor=actor,
        reason=reason,
        fresh=fresh,
        history=history,
        is_repetition=is_repetition,
        can_fetch=can_fetch,
    )
    arrived = Arrived(snapshot, origin, is_absent)
    return apply_snapshots([arrived], expects_new=expects_new, writes=writes)[0]


@transaction.atomic(savepoint=False)
def apply_snapshots(
    arrived: Sequence[Arrived], *, expects_new: bool = False, writes: Writes | None = None
) -> list[Applied]:
    """Apply the snapshots, one after another, and return their results.

    The number of statements depends on neither the orders nor their items. All rows are added to `writes`, whose caller
    sends them to the database with `store`, or are saved at once. Raise `IntegrityError` if another transaction has
    just created the same customer or order (`is_race`); the transaction can then be repeated.
    """
    collected = Writes() if writes is None else writes
    batch = Batch(collected)
    snapshots = with_cities([one.snapshot for one in arrived])
    complete = [Arrived(snapshot, one.origin, one.is_absent) for snapshot, one in zip(snapshots, arrived, strict=True)]
    batch.read(complete, expects_new=expects_new)
    applied = [_apply(one, batch) for one in complete]
    batch.finish()
    if writes is None:
        collected.flush()
    return applied


def store(writes: Writes) -> None:
    """Send the rows of applied snapshots to the database."""
    writes.flush()


def _apply(arrived: Arrived, batch: Batch) -> Applied:
    snapshot, origin = arrived.snapshot, arrived.origin
    order = batch.order_of(snapshot)
    if order is None:
        return create(snapshot, origin, batch)
    if order.erased_at is not None:
        snapshot, origin = snapshot_without_people(snapshot), origin.without_remarks()
    agreement = Agreement.from_json(order.bitrix_state)
    freshness = freshness_of(_known(order, agreement), snapshot, origin.arrival)
    if not freshness.verdict.is_applied:
        return Applied(order, Outcome.STALE, Doubt.CLOCKS if freshness.verdict is Verdict.FETCH else None)
    return update(order, agreement, snapshot, origin, freshness, batch)


def _known(order: Order, agreement: Agreement) -> Known:
    return Known(
        version=order.bitrix_version,
        updated_at=order.bitrix_updated_at,
        agreement=agreement,
        is_stub=order.is_stub,
        is_imported=order.source == Source.IMPORT,
    )
