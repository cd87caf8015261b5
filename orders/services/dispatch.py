"""Services of the dispatcher: assign many orders to a courier, undo that, mark a courier as notified of many orders.

Each of them is one transaction with a constant number of statements. An order that can't be changed is refused, and
the others are changed. The site does not have these fields, so they are not sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.events import OrderChange, publish
from orders.models import Courier, Order, OrderEvent, Source
from orders.services.assignment import reason_not_to_assign
from orders.services.route import insert_stops, lock_route, lock_stops
from orders.services.timeline import new_event
from orders.timeline_payloads import (
    ASSIGNMENT_LOOKUP,
    CourierBefore,
    CourierNotified,
    FieldsChanged,
    Payload,
)

CAN_BE_UNDONE = timedelta(minutes=10)
"""How long after an assignment it can be undone together with the courier's mark and the place in the route."""
_COLUMNS = ("courier", "courier_notified_at", "route_position", "updated_at")


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that was not changed, and the reason."""

    order_id: UUID
    number: str
    reason: str


@dataclass(slots=True)
class Dispatched:
    """The results of an action on many orders. `batch_id` is the id by which an assignment is undone."""

    batch_id: UUID
    done: list[Order] = field(default_factory=list)
    unchanged: list[Order] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def refuse(self, order: Order, reason: str) -> None:
        """Add an order that was not changed."""
        self.refused.append(Refused(order.pk, order.order_number, reason))


@dataclass(frozen=True, slots=True)
class _Target:
    """The values that an order gets, and the key that its page showed as the courier, or "" without a check."""

    courier: UUID | None
    seen: UUID | str | None
    position: int | None = None
    notified_at: datetime | None = None


@transaction.atomic
def assign_orders(
    *,
    seen: Mapping[UUID, UUID | None],
    courier: Courier | None,
    actor: User | None,
    before: UUID | None = None,
    source: Source = Source.ADMIN,
) -> Dispatched:
    """Assign orders to a courier, or remove their couriers if `courier` is None. Write one timeline entry for each.

    `seen` maps the primary key of each order to that of the courier whom the page showed, None for no one. With
    `before`, a stop of this courier, the orders are put before it in the route. Otherwise they follow by their delivery
    slots. An order is refused if another user has changed its courier, if it is a pickup, or if the courier does not
    work any more.
    """
    batch = uuid4()
    wanted = courier.pk if courier else None
    if before is not None:
        lock_route(courier_id=wanted, stop=before, others=seen)
    targets = {key: _Target(wanted, shown) for key, shown in seen.items()}
    result = _assign(targets, {courier.pk: courier} if courier else {}, actor, source, batch, can_be_undone=True)
    if before is not None and courier is not None:
        insert_stops(courier_id=courier.pk, stops=[*result.done, *result.unchanged], before=before)
    return result


@transaction.atomic
def undo_assignment(*, batch_id: UUID, actor: User | None, source: Source = Source.ADMIN) -> Dispatched:
    """Give the orders of an assignment back to the couriers who had them, with their marks and places in the route.

    An order whose courier has been changed since is refused. After `CAN_BE_UNDONE` nothing is changed.
    """
    recent = OrderEvent.objects.filter(happened_at__gte=timezone.now() - CAN_BE_UNDONE)
    found = recent.filter(**{ASSIGNMENT_LOOKUP: str(batch_id)}).values_list("order_id", "details")
    targets = {}
    for key, details in found:
        before = FieldsChanged.from_json(details).assignment
        assert before is not None  # the lookup has found it
        targets[key] = _Target(before.courier, before.given, before.position, before.notified_at)
    couriers = Courier.objects.in_bulk({one.courier for one in targets.values() if one.courier})
    return _assign(targets, couriers, actor, source, batch_id, can_be_undone=False)


@transaction.atomic
def mark_orders_notified(
    *,
    seen: Mapping[UUID, UUID],
    is_notified: bool,
    actor: User | None,
    source: Source = Source.ADMIN,
) -> Dispatched:
    """Mark the couriers as notified of these orders, or remove the marks.

    `seen` maps the primary key of each order to that of the courier whom the page showed. An order that this courier
    does not have any more is refused.
    """
    result = Dispatched(uuid4())
    now = timezone.now()
    changes: list[tuple[Order, Payload, list[dict[str, Any]]]] = []
    orders = _lock(seen)
    names = _names(orders)
    for order in orders:
        if order.courier_id != seen[order.pk]:
            name = names.get(order.courier_id) or gettext("no one")
            result.refuse(
                order, gettext("Another user has just changed the courier: it is %(name)s now.") % {"name": name}
            )
        elif (order.courier_notified_at is not None) == is_notified:
            result.unchanged.append(order)
        else:
            old, order.courier_notified_at = order.courier_notified_at, now if is_notified else None
            name = names[order.courier_id]
            payload = CourierNotified(courier=name) if is_notified else FieldsChanged(courier=name)
            changes.append((order, payload, [_change("courier_notified_at", old, order.courier_notified_at)]))
    _save(result, changes, ("courier_notified_at", "updated_at"), actor, source, now)
    return result


def _assign(
    targets: Mapping[UUID, _Target],
    couriers: Mapping[UUID, Courier],
    actor: User | None,
    source: Source,
    batch_id: UUID,
    *,
    can_be_undone: bool,
) -> Dispatched:
    result = Dispatched(batch_id)
    now = timezone.now()
    changes: list[tuple[Order, Payload, list[dict[str, Any]]]] = []
    orders = _lock(targets)
    names = _names(orders)
    for order in orders:
        target = targets[order.pk]
        courier = couriers.get(target.courier) if target.courier else None
        if order.courier_id == target.courier:
            result.unchanged.append(order)
        elif target.courier is not None and courier is None:
            result.refuse(order, gettext("This person was deleted from the CRM."))
        elif reason := reason_not_to_assign(order, courier, names.get(order.courier_id, ""), target.seen):
            result.refuse(order, reason)
        else:
            before = CourierBefore(
                batch=batch_id,
                given=target.courier,
                courier=order.courier_id,
                position=order.route_position,
                notified_at=order.courier_notified_at,
            )
            diff = [_change("courier", names.get(order.courier_id), courier.name if courier else None)]
            if order.courier_notified_at != target.notified_at:
                diff.append(_change("courier_notified_at", order.courier_notified_at, target.notified_at))
            order.courier, order.courier_notified_at = courier, target.notified_at
            order.route_position = target.position
            changes.append((order, FieldsChanged(assignment=before if can_be_undone else None), diff))
    _save(result, changes, _COLUMNS, actor, source, now)
    return result


def _save(
    result: Dispatched,
    changes: Sequence[tuple[Order, Payload, list[dict[str, Any]]]],
    columns: Sequence[str],
    actor: User | None,
    source: Source,
    now: datetime,
) -> None:
    """Save the orders with one statement and their timeline entries with another one, and publish the changes."""
    events = []
    for order, payload, diff in changes:
        order.updated_at = now  # `bulk_update` does not set it
        events.append(new_event(order=order, payload=payload, source=source, actor=actor, changes=diff))
        result.done.append(order)
    if not events:
        return
    Order.objects.bulk_update(result.done, columns)
    OrderEvent.objects.bulk_create(events)
    publish(*(OrderChange(event.order, event) for event in events))


def _lock(order_ids: Iterable[UUID]) -> list[Order]:
    return list(lock_stops(pk__in=list(order_ids)))


def _names(orders: Iterable[Order]) -> dict[UUID | None, str]:
    """Return the names of the present couriers of these orders by their primary keys."""
    keys = {order.courier_id for order in orders if order.courier_id}
    return dict(Courier.objects.filter(pk__in=keys).values_list("pk", "name")) if keys else {}


def _change(name: str, old: Any, new: Any) -> dict[str, Any]:
    return {"field": name, "old": _text(old), "new": _text(new)}


def _text(value: Any) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value
