"""Applying a snapshot: the order is found or created, and merged with the snapshot if that is new."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from cvety_crm.users import User
from orders.models import Order, Reason, Source
from orders.services.inbound.creation import create
from orders.services.inbound.origin import Origin
from orders.services.inbound.outcomes import Applied, Doubt, Outcome
from orders.services.inbound.update import update
from orders.services.locking import lock_site_order
from orders.sync.freshness import Known, Verdict, freshness_of
from orders.sync.snapshot import FreshRead, HistoryRead, OrderSnapshot
from orders.sync.three_way_merge import Agreement


@transaction.atomic(savepoint=False)
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
) -> Applied:
    """Create or update the order that the snapshot describes, unless the snapshot is outdated.

    `orders.sync.freshness` decides whether it is. `fresh` describes the fetch that returned the snapshot, `history` the
    copy of the site that contains it. `received_at` is when an event that is now processed again was first received, by
    our clock. `actor` and `reason` are for the timeline. `is_absent` means that the caller knows that there is no such
    order. The number of queries does not depend on the number of items.
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
    )
    order = None if is_absent else lock_site_order(snapshot.bitrix_order_id, snapshot.crm_order_id)
    if order is None:
        return create(snapshot, origin)
    agreement = Agreement.from_json(order.bitrix_state)
    freshness = freshness_of(_known(order, agreement), snapshot, origin.arrival)
    if freshness.verdict is not Verdict.APPLY:
        return Applied(order, Outcome.STALE, Doubt.CLOCKS if freshness.verdict is Verdict.FETCH else None)
    return update(order, agreement, snapshot, origin, freshness)


def _known(order: Order, agreement: Agreement) -> Known:
    return Known(
        version=order.bitrix_version,
        updated_at=order.bitrix_updated_at,
        agreement=agreement,
        is_stub=order.is_stub,
        is_imported=order.source == Source.IMPORT,
    )
