"""What each event of the site means: reader, then service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext, gettext_lazy

from bitrix_bridge.inbound.check_orders import is_about_check
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
from bitrix_bridge.refetch import request_refetch, request_status_check
from bitrix_bridge.site_client.site_orders import without_shared_account
from orders import services
from orders.models import Order
from orders.sync.snapshot import OrderSnapshot

Action = WebhookEvent.Action
WHOLE_ORDER = frozenset({"order.create", "order.update"})
DOUBTS = {
    services.Doubt.STATUS: gettext_lazy(
        "It names a status that has been replaced here since, and no version: the site is asked."
    ),
    services.Doubt.CLOCKS: gettext_lazy(
        "Its version and its date do not say whether it is newer than what is known here: the site is asked."
    ),
}
PING = "ping"
"""Asks whether webhooks of this sender get through, and tells nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """How an event ended."""

    action: str
    order: Order | None = None
    problems: tuple[Mapping[str, Any], ...] = ()
    reason: str = ""
    """Why it ended so, for staff, where its outcome alone does not say it."""
    is_open: bool = False
    """It waits for the site's answer to a question, and has to be processed again."""


def process(row: WebhookEvent) -> Result:
    """Do what the event says. Called in the transaction that keeps its row."""
    handler = HANDLERS.get(canonical_name(row.event))
    if handler is not None and is_about_check(row):
        reason = gettext("It is about the order of a check of the site (manage.py check_site), which is no order.")
        return Result(Action.IGNORED, reason=reason)
    return handler(row) if handler else Result(Action.IGNORED)


def canonical_name(event: str) -> str:
    """Return the event's one name; a status change goes by two spellings."""
    name = event.strip().lower()
    return "order.status.change" if name == "order.status_change" else name


def is_known(event: str) -> bool:
    """Return whether the CRM does anything about such events."""
    return canonical_name(event) in HANDLERS


def is_ping(event: str) -> bool:
    """Return whether the sender only tries the way: such an event is not kept."""
    return canonical_name(event) == PING


def _order(row: WebhookEvent) -> Result:
    return _apply(row, read_order(_data(row), pay_systems=settings.BITRIX_PAY_SYSTEMS))


def _status_change(row: WebhookEvent) -> Result:
    result = _apply(row, read_status_change(_data(row), pay_systems=settings.BITRIX_PAY_SYSTEMS))
    is_change = result.action == Action.UPDATED and not result.is_open
    return replace(result, action=Action.STATUS_CHANGED) if is_change else result


def _apply(row: WebhookEvent, snapshot: OrderSnapshot) -> Result:
    snapshot = without_shared_account(snapshot)
    problems = tuple(problem.as_json() for problem in snapshot.problems)
    was_open = row.state == WebhookEvent.State.WAITING and row.action not in ("", Action.STORED)
    if row.attempts > 1 and not snapshot.has_clock and not was_open:
        later = _later_events(row)
        if later & WHOLE_ORDER or (later and snapshot.is_partial):
            return Result(Action.STALE, Order.objects.filter(bitrix_order_id=row.object_id).first(), problems)
        if later:
            fields = {name: value for name, value in snapshot.fields.items() if name != "status"}
            snapshot = replace(snapshot, fields=fields)
    if former := _of_a_former_one(row, snapshot):
        return Result(Action.STALE, former, problems)
    received_at = (row.processed_at or row.created_at) if row.attempts > 1 else None
    applied = services.apply_snapshot(snapshot=snapshot, webhook_event_id=row.pk, received_at=received_at)
    order = applied.order
    if applied.doubt and not order.has_left_site:
        request_status_check(order)
        return Result(str(applied.outcome), order, problems, str(DOUBTS[applied.doubt]), is_open=True)
    if applied.ends_failure:
        close_failed(order)
    if applied.is_first:
        deletion = _deletion(row, "order.delete", snapshot.announced_at)
        if deletion is not None:
            order = services.mark_deleted(bitrix_order_id=snapshot.bitrix_order_id, webhook_event_id=deletion) or order
    if order.is_stub and not order.has_left_site:
        request_refetch(order)
    answered = gettext("The site was asked whether it is news; what it said of the order stands.") if was_open else ""
    return Result(str(applied.outcome), order, problems, answered)


def _of_a_former_one(row: WebhookEvent, snapshot: OrderSnapshot) -> Order | None:
    """Return our order, of which the site has deleted the one that the event tells of, and made another since."""
    if snapshot.crm_order_id is None:
        return None
    others = Order.objects.filter(pk=snapshot.crm_order_id).exclude(bitrix_order_id=snapshot.bitrix_order_id)
    ours = others.exclude(bitrix_order_id=None).first()
    return ours if ours and _deletion(row, "order.delete", snapshot.announced_at) else None


def _later_events(row: WebhookEvent) -> set[str]:
    """Return what kinds of events of the same order have come and been processed after this one.

    An event that says nothing of its time is put in order by when it came, and against others that came only: the
    clock here is not the site's.
    """
    later = WebhookEvent.objects.filter(
        object_id=row.object_id,
        event__istartswith="order.",
        created_at__gt=row.created_at,
        action__in=(Action.CREATED, Action.UPDATED, Action.STATUS_CHANGED, Action.UNCHANGED),
    )
    return {canonical_name(event) for event in later.values_list("event", flat=True)}


def _deletion(row: WebhookEvent, event: str, announced_at: datetime | None) -> UUID | None:
    """Return the event by which the site has deleted the object that it tells of only now, as if it were new.

    Ids are not given twice: it was late. Unless both events say when they happened, and the deletion came first: the
    site was put back to an older state.
    """
    deletion = WebhookEvent.objects.filter(object_id=row.object_id, event__iexact=event).order_by("-created_at").first()
    if deletion is None:
        return None
    deleted_at = deletion_time(_data(deletion))
    is_back = announced_at is not None and deleted_at is not None and deleted_at < announced_at
    return None if is_back else deletion.pk


def _order_deleted(row: WebhookEvent) -> Result:
    data = _data(row)
    order = services.mark_deleted(
        bitrix_order_id=object_id(data), crm_order_id=crm_order_id(data.get("XML_ID")), webhook_event_id=row.pk
    )
    return Result(Action.UPDATED if order else Action.IGNORED, order)


def _customer(row: WebhookEvent) -> Result:
    snapshot = read_customer(_data(row))
    if snapshot is None:
        return Result(Action.IGNORED)
    _customer_row, is_changed = services.apply_customer(snapshot=snapshot)
    problems = tuple(problem.as_json() for problem in snapshot.problems)
    return Result(Action.UPDATED if is_changed else Action.UNCHANGED, None, problems)


def _product(row: WebhookEvent) -> Result:
    snapshot = read_product(_data(row))
    _product_row, action = services.apply_product(snapshot=snapshot)
    if action == Action.CREATED and _deletion(row, "product.delete", snapshot.updated_at):
        services.retire_product(bitrix_product_id=snapshot.bitrix_product_id)
    return Result(action, None, tuple(problem.as_json() for problem in snapshot.problems))


def _product_deleted(row: WebhookEvent) -> Result:
    data = _data(row)
    is_changed = services.retire_product(bitrix_product_id=object_id(data), when=deletion_time(data))
    return Result(Action.UPDATED if is_changed else Action.UNCHANGED)


def _data(row: WebhookEvent) -> Mapping[str, Any]:
    data = row.payload.get("data")
    return data if isinstance(data, Mapping) else {}


HANDLERS: Mapping[str, Callable[[WebhookEvent], Result]] = {
    "order.create": _order,
    "order.update": _order,
    "order.status.change": _status_change,
    "order.delete": _order_deleted,
    "user.create": _customer,
    "user.update": _customer,
    "product.create": _product,
    "product.update": _product,
    "product.delete": _product_deleted,
}
