"""Taking a status back within its grace time, as if it had not been set.

Until then it has not left for the site or for Telegram (`orders.rules.hold`), so no one outside needs to know. What
has to be put back is kept on the timeline entry of the change (`orders.timeline_payloads.undo`).
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from orders.events import publish_taken_back
from orders.exceptions import NotAllowedError
from orders.models import Order, OrderEvent, Source, Status, SyncState
from orders.rules.hold import hold_period, leaves_at
from orders.services.locking import lock_order, settle_sync_state
from orders.services.timeline import replace_payload
from orders.sync.three_way_merge import Agreement
from orders.timeline_payloads import BATCH_LOOKUP, OrderBefore, StatusChanged, Undo, payload_of

logger = logging.getLogger(__name__)

LOOK_BACK = timedelta(minutes=10)
"""How far beyond the grace time the changes of one action are looked for: those which are too old can be named."""


def undo_of(order: Order, *, held_until: datetime, batch_id: UUID) -> Undo:
    """Return what a status change must note of the order, which still is as before, to be undone.

    `batch_id` is common to the changes of one action of a person.
    """
    before = OrderBefore(
        status=order.status_id,
        completed_at=order.completed_at,
        sync_state=order.sync_state,
        held_until=order.status_held_until,
        agreed=Agreement.from_json(order.bitrix_state).value("status") or "",
    )
    return Undo(batch=batch_id, until=held_until, before=before)


@transaction.atomic
def take_back_status(*, order_id: UUID, event_id: UUID, actor: User | None) -> Order:
    """Undo the status change of this timeline entry, and remove the entry.

    Raises `Order.DoesNotExist`, and `NotAllowedError` when it has left already, or is not the last word on the status.
    """
    order = lock_order(order_id)
    event = order.events.filter(pk=event_id).first()
    if event is None:
        raise NotAllowedError(gettext("The status has been taken back already."))
    if reason := _why_not(order, event):
        raise NotAllowedError(reason)
    before = _before(event)
    status = Status.objects.filter(code=before.status).first()
    if status is None:
        raise NotAllowedError(gettext("There is no such status: %(code)s.") % {"code": before.status})

    order.status = status
    order.completed_at = before.completed_at
    order.status_held_until = before.held_until
    if before.sync_state == SyncState.CONFLICT:
        order.sync_state = SyncState.CONFLICT  # its wish is on the timeline still
    # With its items: they may have been edited since, and sent.
    settle_sync_state(order, Agreement.from_json(order.bitrix_state), list(order.items.all()))
    order.save(update_fields=["status", "completed_at", "status_held_until", "sync_state", "updated_at"])
    publish_taken_back(order, event)
    event.delete()
    logger.info("the status of order %s was taken back by %s: %s", order.order_number, actor or "nobody", event.changes)
    return order


def undoable_change(order: Order) -> OrderEvent | None:
    """Return the timeline entry of the status change that can be taken back now; None, mostly without a query."""
    if order.status_held_until is None or order.status_held_until <= timezone.now():
        return None
    event = next(_status_changes(order), None)
    return event if event is not None and not _why_not(order, event) else None


def changes_of_batch(batch_id: UUID) -> list[OrderEvent]:
    """Return the status changes of one action, each with its order, oldest first; those of the last minutes only."""
    # By the index of the newest entries: a few minutes hold few of them.
    recent = OrderEvent.objects.filter(happened_at__gte=timezone.now() - hold_period() - LOOK_BACK)
    found = recent.filter(**{BATCH_LOOKUP: str(batch_id)}).select_related("order")
    return list(found.order_by("happened_at", "created_at"))


def held_until_of(event: OrderEvent) -> datetime | None:
    """Return until when the status change of this entry can be taken back, if it ever could."""
    undo = _undo(event)
    return undo.until if undo is not None else None


@transaction.atomic
def let_status_leave(*, order_id: UUID, event_id: UUID) -> datetime | None:
    """Ask whether others may be told of the status change of this entry. From then on it can't be taken back.

    Return None if so, else when. Raises `OrderEvent.DoesNotExist` when it has been taken back.
    """
    lock_order(order_id)
    event = OrderEvent.objects.get(pk=event_id)
    payload = payload_of(event)
    if not isinstance(payload, StatusChanged) or (undo := payload.undo) is None or undo.until is None:
        return None
    moment = leaves_at(undo.until)
    if moment is None and not undo.has_left:
        # Not by the clock alone: that of whoever takes it back may be slow.
        replace_payload(event, replace(payload, undo=replace(undo, has_left=True)))
    return moment


def released_status(order: Order) -> Status:
    """Return the status that others may be told of: as long as one can be taken back, the one before it."""
    code = order.status_id
    if leaves_at(order.status_held_until) is not None:
        for event in _status_changes(order):
            if leaves_at(held_until_of(event)) is None:
                break
            code = _before(event).status
    return order.status if code == order.status_id else Status.objects.get(code=code)


def _status_changes(order: Order) -> Iterator[OrderEvent]:
    """Yield the entries that have changed the status, newest first."""
    yield from order.events.filter(changes__contains=[{"field": "status"}])[:50]


def _why_not(order: Order, event: OrderEvent) -> str:
    """Return why the change can't be taken back, in words; "" when it can."""
    newest = next(_status_changes(order), None)
    if newest is not None and newest.pk != event.pk and newest.source == Source.SITE:
        return gettext("The site has set another status meanwhile.")
    if newest is None or newest.pk != event.pk:
        return gettext("The status has been changed again since.")
    undo = _undo(event)
    if undo is None or undo.before is None or event.source == Source.SITE:
        return gettext("This change can't be taken back.")
    # Without a time the site is being told of it this very moment, or has been.
    if undo.has_left or order.status_held_until is None or order.status_held_until <= timezone.now():
        return gettext("Too late: the status has left for the site.")
    agreed = Agreement.from_json(order.bitrix_state).value("status")
    if agreed == order.status_id != undo.before.agreed:
        return gettext("The site has this status too by now.")
    return ""


def _undo(event: OrderEvent) -> Undo | None:
    payload = payload_of(event)
    return payload.undo if isinstance(payload, StatusChanged) else None


def _before(event: OrderEvent) -> OrderBefore:
    """Return the order before a status change of which `_why_not` or `held_until_of` has said that it can be undone."""
    undo = _undo(event)
    if undo is None or undo.before is None:
        raise ValueError(f"timeline entry {event.pk} does not say how the order was before")
    return undo.before
