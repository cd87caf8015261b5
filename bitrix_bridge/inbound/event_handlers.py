"""The handlers of webhook events. Each handler reads the payload and calls a service of `orders`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField
from django.utils.translation import gettext, gettext_lazy

from bitrix_bridge.inbound.check_orders import is_about_check
from bitrix_bridge.inbound.posted_orders import create_posted, is_posted
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.outbound.queueing import close_failed
from bitrix_bridge.payloads import (
    crm_order_id,
    deletion_time,
    object_id,
    read_customer,
    read_order,
    read_product,
    read_status_change,
)
from bitrix_bridge.payloads.translation import Fields
from bitrix_bridge.payloads.values import read_line
from bitrix_bridge.refetch import request_refetch, request_status_check
from bitrix_bridge.site_client.site_orders import without_shared_account
from bitrix_bridge.site_client.transports import can_read_orders
from cvety_crm.bulk_writes import Writes
from cvety_crm.composed_statements import ModelStatement, Parameter
from orders import services
from orders.models import Order, Reason, Shop
from orders.selectors.pay_systems import methods_of_systems
from orders.sync.snapshot import OrderSnapshot, ReferenceRow, ReferenceSnapshot

Action = WebhookEvent.Action
WHOLE_ORDER = frozenset({"order.create", "order.update"})
DOUBTS = {
    services.Doubt.STATUS: gettext_lazy(
        "The event has no version, and its status has been replaced in the CRM since. The order is fetched to find out."
    ),
    services.Doubt.CLOCKS: gettext_lazy(
        "The event's version and date do not show whether it is newer than the order. The order is fetched to find out."
    ),
}
STATES = WHOLE_ORDER | {"order.status.change"}
"""The events that contain a state of the order."""
PING = "ping"
"""The name of an event that only tests whether the sender's webhooks arrive. Such an event contains no data."""


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


def process(row: WebhookEvent, handling: Handling) -> Result:
    """Process the event and return its outcome.

    The caller stores the event's row and what was added to the writes in the same transaction.
    """
    if row.action == Action.REFUSED:
        return Result(Action.REFUSED, reason=row.error)
    handler = HANDLERS.get(canonical_name(row.event))
    if handler is not None and is_about_check(row):
        reason = gettext("The event is about a test order that manage.py check_site created on the site.")
        return Result(Action.IGNORED, reason=reason)
    return handler(row, handling) if handler else Result(Action.IGNORED)


def canonical_name(event: str) -> str:
    """Return the event's name in lower case. Return the same name for both spellings of a status change."""
    name = event.strip().lower()
    return "order.status.change" if name == "order.status_change" else name


def is_known(event: str) -> bool:
    """Return whether the CRM has a handler for events with this name."""
    return canonical_name(event) in HANDLERS


def is_ping(event: str) -> bool:
    """Return whether the event only tests the connection; such an event is not stored."""
    return canonical_name(event) == PING


def _order(row: WebhookEvent, handling: Handling) -> Result:
    if is_posted(row.event, _data(row)):
        order, is_new, snapshot = create_posted(_data(row))
        reason = "" if is_new else gettext("The order of the other system was created before. Staff change it here.")
        problems = tuple(problem.as_json() for problem in snapshot.problems)
        return Result(Action.CREATED if is_new else Action.UNCHANGED, order, problems, reason)
    return _apply(row, read_order(_data(row), pay_systems=methods_of_systems()), handling)


def _status_change(row: WebhookEvent, handling: Handling) -> Result:
    result = _apply(row, read_status_change(_data(row), pay_systems=methods_of_systems()), handling)
    is_change = result.action == Action.UPDATED and not result.is_open
    return replace(result, action=Action.STATUS_CHANGED) if is_change else result


def _apply(row: WebhookEvent, snapshot: OrderSnapshot, handling: Handling) -> Result:
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
    can_fetch = can_read_orders()
    if was_open and not can_fetch and _later_events(row):
        return Result(Action.STALE, row.order, problems)
    if replaced := _order_recreated_since(row, snapshot):
        return Result(Action.STALE, replaced, problems)
    received_at = (row.processed_at or row.created_at) if row.attempts > 1 else None
    applied = services.apply_snapshot(
        snapshot=snapshot,
        webhook_event_id=row.pk,
        received_at=received_at,
        is_repetition=row.is_repetition,
        can_fetch=can_fetch,
        expects_new=handling.expects_new and canonical_name(row.event) == "order.create",
        writes=handling.writes,
    )
    order = applied.order
    if applied.doubt and not order.has_left_site:
        request_status_check(order)
        return Result(str(applied.outcome), order, problems, str(DOUBTS[applied.doubt]), is_open=True)
    if applied.ends_failure:
        services.store(handling.writes)
        close_failed(order)
    if applied.is_first:
        order = _mark_deleted_earlier(row, order, snapshot, handling.writes)
    _fetch_if_needed(order, is_unsure=applied.is_unsure)
    reason = gettext("The order was fetched from the site since, and that state is kept.") if was_open else ""
    if applied.is_guess and applied.outcome == services.Outcome.UPDATED:
        reason = str(Reason.GUESSED.label)
    return Result(str(applied.outcome), order, problems, reason)


def _mark_deleted_earlier(row: WebhookEvent, order: Order, snapshot: OrderSnapshot, writes: Writes) -> Order:
    """Mark a new order as deleted if its deletion was reported before the order. Return the order."""
    deletion = _deletion(row, "order.delete", snapshot.announced_at)
    if deletion is None:
        return order
    services.store(writes)
    return services.mark_deleted(bitrix_order_id=snapshot.bitrix_order_id, webhook_event_id=deletion) or order


def _fetch_if_needed(order: Order, *, is_unsure: bool) -> None:
    if order.has_left_site:
        return
    if order.is_stub:
        request_refetch(order)
    elif is_unsure:
        request_status_check(order)


def _order_recreated_since(row: WebhookEvent, snapshot: OrderSnapshot) -> Order | None:
    """Return the CRM's order if the site has deleted the event's order and then created a new one for it; else None."""
    if snapshot.crm_order_id is None:
        return None
    others = Order.objects.filter(pk=snapshot.crm_order_id).exclude(bitrix_order_id=snapshot.bitrix_order_id)
    ours = others.exclude(bitrix_order_id=None).first()
    return ours if ours and _deletion(row, "order.delete", snapshot.announced_at) else None


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


def _deletion(row: WebhookEvent, event: str, announced_at: datetime | None) -> UUID | None:
    """Return the id of the event that reports the deletion of this object, or None if the object exists.

    Bitrix never reuses an id, so an event about a deleted object has usually arrived late. The object exists again only
    if both events have a time and the deletion is earlier: the site was then restored from a backup.
    """
    deletions = _deletions(event).objects({"object_id": row.object_id})
    if not deletions:
        return None
    deleted_at = deletion_time(_data(deletions[0]))
    is_back = announced_at is not None and deleted_at is not None and deleted_at < announced_at
    return None if is_back else deletions[0].pk


@cache
def _deletions(event: str) -> ModelStatement[WebhookEvent]:
    """Return the statement that finds the newest event with this name about an object."""
    object_id: Any = Parameter("object_id", BigIntegerField())
    found = WebhookEvent.objects.filter(object_id=object_id, event__iexact=event)
    return ModelStatement(found.order_by("-created_at")[:1])


def _order_deleted(row: WebhookEvent, _handling: Handling) -> Result:
    data = _data(row)
    order = services.mark_deleted(
        bitrix_order_id=object_id(data), crm_order_id=crm_order_id(data.get("XML_ID")), webhook_event_id=row.pk
    )
    return Result(Action.UPDATED if order else Action.IGNORED, order)


def _shop(row: WebhookEvent, _handling: Handling) -> Result:
    data = Fields(_data(row))
    shop_id, name = object_id(_data(row)), read_line(data.peek("NAME")).value
    if not name:
        return Result(Action.IGNORED, reason=gettext("The event contains no name."))
    shops = (ReferenceRow(key=shop_id, fields={"name": name}),)
    changes = services.apply_reference(snapshot=ReferenceSnapshot(shops=shops))[Shop]
    if changes.created:
        return Result(Action.CREATED)
    return Result(Action.UPDATED if changes.updated else Action.UNCHANGED)


def _florist(_row: WebhookEvent, _handling: Handling) -> Result:
    return Result(Action.IGNORED, reason=gettext("Florists are users of the CRM. An administrator adds them here."))


def _customer(row: WebhookEvent, handling: Handling) -> Result:
    snapshot = read_customer(_data(row))
    if snapshot is None:
        return Result(Action.IGNORED)
    _customer_row, is_changed = services.apply_customer(snapshot=snapshot, writes=handling.writes)
    problems = tuple(problem.as_json() for problem in snapshot.problems)
    return Result(Action.UPDATED if is_changed else Action.UNCHANGED, None, problems)


def _product(row: WebhookEvent, _handling: Handling) -> Result:
    snapshot = read_product(_data(row))
    _product_row, action = services.apply_product(snapshot=snapshot)
    if action == Action.CREATED and _deletion(row, "product.delete", snapshot.updated_at):
        services.retire_product(bitrix_product_id=snapshot.bitrix_product_id)
    return Result(action, None, tuple(problem.as_json() for problem in snapshot.problems))


def _product_deleted(row: WebhookEvent, _handling: Handling) -> Result:
    data = _data(row)
    is_changed = services.retire_product(bitrix_product_id=object_id(data), when=deletion_time(data))
    return Result(Action.UPDATED if is_changed else Action.UNCHANGED)


def _data(row: WebhookEvent) -> Mapping[str, Any]:
    data = row.payload.get("data")
    return data if isinstance(data, Mapping) else {}


HANDLERS: Mapping[str, Callable[[WebhookEvent, Handling], Result]] = {
    "order.create": _order,
    "order.update": _order,
    "order.status.change": _status_change,
    "order.delete": _order_deleted,
    "user.create": _customer,
    "user.update": _customer,
    "shop.create": _shop,
    "shop.update": _shop,
    "florist.create": _florist,
    "florist.update": _florist,
    "product.create": _product,
    "product.update": _product,
    "product.delete": _product_deleted,
}
