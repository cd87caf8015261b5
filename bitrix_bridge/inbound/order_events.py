"""The handlers of events about orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from bitrix_bridge.inbound.check_orders import is_about_check
from bitrix_bridge.inbound.deletions import deletions_of
from bitrix_bridge.inbound.event_names import WHOLE_ORDER, canonical_name
from bitrix_bridge.inbound.handling import Handling, Result, data_of
from bitrix_bridge.inbound.posted_orders import create_posted, is_posted
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.outbound.queueing import close_failed
from bitrix_bridge.payloads import crm_order_id, object_id, read_order, read_status_change
from bitrix_bridge.refetch import request_refetch, request_status_check
from bitrix_bridge.site_client.site_orders import without_shared_account
from bitrix_bridge.site_client.transports import can_read_orders
from cvety_crm.bulk_writes import Writes
from orders import services
from orders.models import Order, Reason, Source
from orders.selectors.pay_systems import methods_of_systems
from orders.services.inbound.origin import Origin
from orders.sync.snapshot import OrderSnapshot

Action = WebhookEvent.Action
DOUBTS = {
    services.Doubt.STATUS: gettext_lazy(
        "The event has no version, and its status has been replaced in the CRM since. The order is fetched to find out."
    ),
    services.Doubt.CLOCKS: gettext_lazy(
        "The event's version and date do not show whether it is newer than the order. The order is fetched to find out."
    ),
}


@dataclass(frozen=True, slots=True)
class _Read:
    """An event whose snapshot is to be applied."""

    row: WebhookEvent
    snapshot: OrderSnapshot
    was_open: bool
    """Whether the order was fetched since, to find out whether the event is outdated."""

    @property
    def problems(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(problem.as_json() for problem in self.snapshot.problems)

    @property
    def arrived(self) -> services.Arrived:
        """Return the snapshot with its origin."""
        row = self.row
        received_at = (row.processed_at or row.created_at) if row.attempts > 1 else None
        origin = Origin(
            source=Source.SITE,
            webhook_event_id=row.pk,
            received_at=received_at,
            is_repetition=row.is_repetition,
            can_fetch=can_read_orders(),
        )
        return services.Arrived(self.snapshot, origin)


def handle_order(row: WebhookEvent, handling: Handling) -> Result:
    """Create or update the order of an event that contains a whole order."""
    if is_posted(row.event, data_of(row)):
        order, is_new, snapshot = create_posted(data_of(row))
        reason = "" if is_new else gettext("The order of the other system was created before. Staff change it here.")
        problems = tuple(problem.as_json() for problem in snapshot.problems)
        return Result(Action.CREATED if is_new else Action.UNCHANGED, order, problems, reason)
    return _apply(row, read_order(data_of(row), pay_systems=methods_of_systems()), handling)


def handle_status_change(row: WebhookEvent, handling: Handling) -> Result:
    """Apply the status of an event that may contain nothing else."""
    result = _apply(row, read_status_change(data_of(row), pay_systems=methods_of_systems()), handling)
    is_change = result.action == Action.UPDATED and not result.is_open
    return replace(result, action=Action.STATUS_CHANGED) if is_change else result


def handle_deletion(row: WebhookEvent, _handling: Handling) -> Result:
    """Mark the order of the event as deleted on the site."""
    data = data_of(row)
    order = services.mark_deleted(
        bitrix_order_id=object_id(data), crm_order_id=crm_order_id(data.get("XML_ID")), webhook_event_id=row.pk
    )
    return Result(Action.UPDATED if order else Action.IGNORED, order)


def can_be_handled_together(row: WebhookEvent) -> bool:
    """Return whether the event contains a whole order of the site, and does not refer to an order of the CRM."""
    return (
        canonical_name(row.event) in WHOLE_ORDER
        and row.object_id is not None
        and row.action != Action.REFUSED
        and not is_about_check(row)
        and not is_posted(row.event, data_of(row))
        and crm_order_id(data_of(row).get("XML_ID")) is None
    )


def handle_together(rows: Sequence[WebhookEvent], writes: Writes) -> list[Result]:
    """Create or update the orders of events that `can_be_handled_together`, each about a different order.

    The results are those of `handle_order`. The number of statements does not depend on the number of usual events.
    """
    systems = methods_of_systems()
    read = [_read(row, read_order(data_of(row), pay_systems=systems)) for row in rows]
    fresh = [one for one in read if isinstance(one, _Read)]
    outcomes = services.apply_snapshots([one.arrived for one in fresh], writes=writes)
    applied = {one.row.pk: outcome for one, outcome in zip(fresh, outcomes, strict=True)}
    new = {one.snapshot.bitrix_order_id: one.snapshot.announced_at for one in fresh if applied[one.row.pk].is_first}
    deletions = deletions_of("order.delete", new)
    return [one if isinstance(one, Result) else _finish(one, applied[one.row.pk], deletions, writes) for one in read]


def _apply(row: WebhookEvent, snapshot: OrderSnapshot, handling: Handling) -> Result:
    read = _read(row, snapshot)
    if isinstance(read, Result):
        return read
    expects_new = handling.expects_new and canonical_name(row.event) == "order.create"
    (applied,) = services.apply_snapshots([read.arrived], expects_new=expects_new, writes=handling.writes)
    new = {read.snapshot.bitrix_order_id: read.snapshot.announced_at} if applied.is_first else {}
    return _finish(read, applied, deletions_of("order.delete", new), handling.writes)


def _read(row: WebhookEvent, snapshot: OrderSnapshot) -> _Read | Result:
    """Return what is to be applied of the event, or its result if nothing is."""
    snapshot = without_shared_account(snapshot)
    row.changed_at = snapshot.updated_at
    problems = tuple(problem.as_json() for problem in snapshot.problems)
    was_open = row.state == WebhookEvent.State.WAITING and row.action not in ("", Action.STORED)
    if row.attempts > 1 and not snapshot.has_clock and not was_open:
        later = _later_events(row)
        if later & WHOLE_ORDER or (later and snapshot.is_partial):
            return Result(Action.STALE, Order.objects.filter(bitrix_order_id=row.object_id).first(), problems)
        if later:
            fields = {name: value for name, value in snapshot.fields.items() if name != "status"}
            snapshot = replace(snapshot, fields=fields)
    if was_open and not can_read_orders() and _later_events(row):
        return Result(Action.STALE, row.order, problems)
    if replaced := _order_recreated_since(row, snapshot):
        return Result(Action.STALE, replaced, problems)
    return _Read(row, snapshot, was_open)


def _finish(read: _Read, applied: services.Applied, deletions: Mapping[int, Any], writes: Writes) -> Result:
    """Do what follows from an applied snapshot, and return the result of its event."""
    order, problems = applied.order, read.problems
    if applied.doubt and not order.has_left_site:
        request_status_check(order)
        return Result(str(applied.outcome), order, problems, str(DOUBTS[applied.doubt]), is_open=True)
    if applied.ends_failure:
        services.store(writes)
        close_failed(order)
    if deletion := deletions.get(read.snapshot.bitrix_order_id):
        # The deletion of the new order was reported before the order.
        services.store(writes)
        order = services.mark_deleted(bitrix_order_id=read.snapshot.bitrix_order_id, webhook_event_id=deletion) or order
    _fetch_if_needed(order, is_unsure=applied.is_unsure)
    reason = gettext("The order was fetched from the site since, and that state is kept.") if read.was_open else ""
    if applied.is_guess and applied.outcome == services.Outcome.UPDATED:
        reason = str(Reason.GUESSED.label)
    return Result(str(applied.outcome), order, problems, reason)


def _fetch_if_needed(order: Order, *, is_unsure: bool) -> None:
    if order.has_left_site:
        return
    if order.is_stub:
        request_refetch(order)
    elif is_unsure:
        request_status_check(order)


def _order_recreated_since(row: WebhookEvent, snapshot: OrderSnapshot) -> Order | None:
    """Return the CRM's order if the site has deleted the event's order and then created a new one for it; else None."""
    if snapshot.crm_order_id is None or row.object_id is None:
        return None
    others = Order.objects.filter(pk=snapshot.crm_order_id).exclude(bitrix_order_id=snapshot.bitrix_order_id)
    ours = others.exclude(bitrix_order_id=None).first()
    return ours if ours and deletions_of("order.delete", {row.object_id: snapshot.announced_at}) else None


def _later_events(row: WebhookEvent) -> set[str]:
    """Return the names of the events of the same order that were received later and have been processed.

    An event that contains no time is sorted by the time at which it was received. That time is compared only with the
    times at which other events were received, because the clocks of the CRM and the site may differ.
    """
    later = WebhookEvent.objects.filter(
        object_id=row.object_id,
        event__istartswith="order.",
        created_at__gt=row.created_at,
        action__in=(Action.CREATED, Action.UPDATED, Action.STATUS_CHANGED, Action.UNCHANGED),
    )
    return {canonical_name(event) for event in later.values_list("event", flat=True)}
