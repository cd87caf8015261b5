"""What each event of the site means: reader, then service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from bitrix_bridge.completion import request_completion
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads import object_id, read_customer, read_order, read_product, read_status_change
from orders import services
from orders.models import Order
from orders.snapshot import OrderSnapshot

Action = WebhookEvent.Action


@dataclass(frozen=True, slots=True)
class Result:
    """How an event ended."""

    action: str
    order: Order | None = None
    problems: tuple[Mapping[str, Any], ...] = ()


def process(row: WebhookEvent) -> Result:
    """Do what the event says. Called in the transaction that keeps its row."""
    handler = HANDLERS.get(canonical_name(row.event))
    return handler(row) if handler else Result(Action.IGNORED)


def canonical_name(event: str) -> str:
    """Return the event's one name; a status change goes by two spellings."""
    name = event.strip().lower()
    return "order.status.change" if name == "order.status_change" else name


def is_known(event: str) -> bool:
    """Return whether the CRM does anything about such events."""
    return canonical_name(event) in HANDLERS


def _order(row: WebhookEvent) -> Result:
    return _apply(row, read_order(_data(row), pay_systems=settings.BITRIX_PAY_SYSTEMS))


def _status_change(row: WebhookEvent) -> Result:
    result = _apply(row, read_status_change(_data(row), pay_systems=settings.BITRIX_PAY_SYSTEMS))
    return replace(result, action=Action.STATUS_CHANGED) if result.action == Action.UPDATED else result


def _apply(row: WebhookEvent, snapshot: OrderSnapshot) -> Result:
    applied = services.apply_snapshot(snapshot=snapshot, webhook_event_id=row.pk)
    if applied.order.is_stub:
        request_completion(applied.order)
    return Result(str(applied.outcome), applied.order, tuple(problem.as_json() for problem in snapshot.problems))


def _order_deleted(row: WebhookEvent) -> Result:
    order = services.mark_deleted(bitrix_order_id=object_id(_data(row)), webhook_event_id=row.pk)
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
    return Result(action, None, tuple(problem.as_json() for problem in snapshot.problems))


def _product_deleted(row: WebhookEvent) -> Result:
    is_changed = services.retire_product(bitrix_product_id=object_id(_data(row)))
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
