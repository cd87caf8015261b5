"""Services that record the making of a bouquet: taken, ready, or to be made again.

The making is a fact of the CRM (`orders.rules.making`). Where the site has a status for a fact that the present status
allows, recording the fact sets this status. Each fact can be undone within the hold period (`orders.services.undo`).
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User, display_name
from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError
from orders.models import Order, Source, Stage, Status, SyncState
from orders.rules.hold import held_until
from orders.rules.lateness import is_open
from orders.rules.making import LEFT_STAGES, Making, making_of, remaking
from orders.rules.making import is_ready as is_bouquet_ready
from orders.rules.next_step import StepKind, moves_from, situation_of, status_of_fact
from orders.services.locking import lock_order, save_pending
from orders.services.making_facts import set_making
from orders.services.timeline import write_event
from orders.services.undo import undo_for
from orders.services.unknown import answer_unknown
from orders.services.validation import refuse_excess
from orders.timeline_payloads import BouquetReady, BouquetRemade, BouquetTaken, Payload, Undo
from orders.values.text import storable_text

LONGEST_COMMENT = 500  # characters


@transaction.atomic
def take_order(*, order_id: UUID, actor: User, source: Source = Source.ADMIN, batch_id: UUID | None = None) -> Order:
    """Make the actor the florist of an order and record that the actor has taken it.

    An order that the actor has already taken is not changed. Raise `Order.DoesNotExist` if there is no such order, and
    `NotAllowedError` if the order has a different florist, or if there is nothing to take: it is not accepted yet, its
    bouquet is ready, or it has left. If two users take an order at the same time, only one of them gets it.
    """
    order = lock_order(order_id)
    _check_may_be_taken(order)
    if order.responsible_id not in (None, actor.pk):
        raise NotAllowedError(gettext("Taken already by %(name)s.") % {"name": display_name(order.responsible)})
    return _take(order, actor, actor, source, batch_id)


@transaction.atomic
def mark_taken(
    *, order_id: UUID, actor: User | None, source: Source = Source.ADMIN, batch_id: UUID | None = None
) -> Order:
    """Record that the florist of an order has taken it. An order that the florist has already taken is not changed.

    Raise `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if the order has no florist or if there
    is nothing to take, as in `take_order`.
    """
    order = lock_order(order_id)
    _check_may_be_taken(order)
    if order.responsible is None:
        raise NotAllowedError(gettext("The order has no florist."))
    return _take(order, order.responsible, actor, source, batch_id)


@transaction.atomic
def mark_ready(
    *, order_id: UUID, actor: User | None, source: Source = Source.ADMIN, batch_id: UUID | None = None
) -> Order:
    """Record that the bouquet is ready. A bouquet that is already ready is not changed.

    Raise `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if no one has taken the order, or if it
    is not accepted yet or has left.
    """
    order = lock_order(order_id)
    if order.ready_at is not None:
        return order
    _check_is_being_worked_on(order)
    if order.taken_at is None:
        raise NotAllowedError(gettext("No one has taken the bouquet yet."))
    making = making_of(order).ready(actor.pk if actor else None, timezone.now())
    return _record(order, making, _fact_status(StepKind.READY), BouquetReady, actor, source, batch_id)


@transaction.atomic
def remake_order(
    *,
    order_id: UUID,
    actor: User | None,
    comment: str = "",
    source: Source = Source.ADMIN,
    batch_id: UUID | None = None,
) -> Order:
    """Record that a bouquet which was ready is not, and is to be made again. The order keeps its florist.

    A bouquet that is not ready is not changed. Raise `Order.DoesNotExist` if there is no such order, and
    `NotAllowedError` if the order is closed, or if its status says that the bouquet is ready or on its way, and can't
    be changed to one of the making, or if the comment is too long.
    """
    refuse_excess(comment, LONGEST_COMMENT)
    order = lock_order(order_id)
    if not is_bouquet_ready(order):
        return order
    if not is_open(order):
        raise _closed()

    def status(order: Order, statuses: dict[str, Status]) -> Status | None:
        found = remaking(moves_from(order.status, statuses))
        if found is None and order.status.stage in (Stage.READY, Stage.DELIVERING):
            raise NotAllowedError(
                gettext("An order in “%(status)s” can't go back to the making: choose its status yourself.")
                % {"status": order.status}
            )
        return found if order.status.stage != Stage.MAKING else None

    comment = " ".join(storable_text(comment).split())
    return _record(order, making_of(order).not_ready(), status, BouquetRemade, actor, source, batch_id, comment=comment)


def _check_may_be_taken(order: Order) -> None:
    _check_is_being_worked_on(order)
    if is_bouquet_ready(order):
        raise NotAllowedError(gettext("The bouquet is ready already."))


def _check_is_being_worked_on(order: Order) -> None:
    if not is_open(order):
        raise _closed()
    if order.status.stage == Stage.NEW:
        raise NotAllowedError(gettext("The order is not accepted yet."))
    if order.status.stage in LEFT_STAGES:
        raise NotAllowedError(gettext("The order has left the shop already."))


def _closed() -> NotAllowedError:
    return NotAllowedError(gettext("The order is closed: there is nothing left to do."))


def _take(order: Order, florist: User, actor: User | None, source: Source, batch_id: UUID | None) -> Order:
    if order.taken_at is not None and order.taken_by_id == order.responsible_id == florist.pk:
        return order
    making = making_of(order).taken(florist.pk, timezone.now())
    return _record(
        order,
        making,
        _fact_status(StepKind.TAKE),
        BouquetTaken,
        actor,
        source,
        batch_id,
        responsible=florist,
        florist=display_name(florist),
    )


def _fact_status(kind: StepKind) -> Callable[[Order, dict[str, Status]], Status | None]:
    return lambda order, statuses: status_of_fact(kind, situation_of(order, statuses))


def _record(
    order: Order,
    making: Making,
    status_for: Callable[[Order, dict[str, Status]], Status | None],
    payload: Callable[..., Payload],
    actor: User | None,
    source: Source,
    batch_id: UUID | None,
    responsible: User | None = None,
    **details: Any,
) -> Order:
    """Set the facts, and the status and the florist with them. Write one timeline entry and publish the change."""
    status = status_for(order, {one.code: one for one in Status.objects.all()})
    if order.sync_state == SyncState.CONFLICT or order.has_left_site:
        status = None  # a manager decides a conflict, and the site no longer has an order that has left it
    until = held_until()
    undo = undo_for(order, held_until=until, batch_id=batch_id or uuid4()) if until is not None else None
    changes = []
    columns = ["taken_by", "taken_at", "ready_by", "ready_at"]
    if responsible is not None and order.responsible_id != responsible.pk:
        old = order.responsible.get_username() if order.responsible else None
        changes.append({"field": "responsible", "old": old, "new": responsible.get_username()})
        order.responsible = responsible
        columns.append("responsible")
    changes += set_making(order, making)
    if status is not None:
        changes.append({"field": "status", "old": order.status_id, "new": status.code})
        order.status, order.status_held_until = status, until
        answer_unknown(order, ["status"])
        save_pending(order, [*columns, "status", "status_held_until", "unknown_values", "metadata"])
    else:
        # The site does not have the facts, so the sync state does not change.
        order.save(update_fields=[*columns, "updated_at"])
    event = write_event(
        order=order, payload=_payload(payload, undo, details), source=source, actor=actor, changes=changes
    )
    publish(OrderChange(order, event))
    return order


def _payload(payload: Callable[..., Payload], undo: Undo | None, details: dict[str, Any]) -> Payload:
    return payload(undo=undo, **details)
