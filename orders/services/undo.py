"""Services that undo a step of the work within the hold period, as if it had not been done.

A step is a change of the status, or a fact of the making, which may set a status too. During the hold period
(`orders.rules.hold`) the status is sent neither to the site nor to Telegram. The timeline entry of the step stores the
values to restore (`orders.timeline_payloads.undo`).
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.events import publish_undone
from orders.exceptions import NotAllowedError
from orders.models import EventKind, Order, OrderEvent, Source, Stage, Status, SyncState
from orders.rules.hold import hold_period, release_time
from orders.rules.making import Making
from orders.services.locking import lock_order, settle_sync_state
from orders.services.making_facts import set_making
from orders.services.timeline import replace_payload
from orders.sync.agreement import Agreement
from orders.sync.fields import MAKING_FACTS
from orders.timeline_payloads import BATCH_LOOKUP, OrderBefore, Undo, payload_of, undo_of

logger = logging.getLogger(__name__)

LOOK_BACK = timedelta(minutes=10)
"""How long after the hold period the changes of one action are found. So staff see which of them can't be undone."""


def undo_for(order: Order, *, held_until: datetime, batch_id: UUID) -> Undo:
    """Return the values of the order before a step. An undo restores these values.

    `batch_id` is the same for all changes of one action.
    """
    before = OrderBefore(
        status=order.status_id,
        completed_at=order.completed_at,
        sync_state=order.sync_state,
        held_until=order.status_held_until,
        agreed=Agreement.from_json(order.bitrix_state).value("status") or "",
        florist=order.responsible_id,
        taken_by=order.taken_by_id,
        taken_at=order.taken_at,
        ready_by=order.ready_by_id,
        ready_at=order.ready_at,
    )
    return Undo(batch=batch_id, until=held_until, before=before)


@transaction.atomic
def undo_status(*, order_id: UUID, event_id: UUID, actor: User | None) -> Order:
    """Undo the step of this timeline entry, a change of the status or of the making, and delete the entry.

    Raise `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if the change was already undone or
    can't be undone any more.
    """
    order = lock_order(order_id)
    event = order.events.filter(pk=event_id).first()
    if event is None:
        raise NotAllowedError(gettext("The status change has already been undone."))
    if reason := _reason_not_to_undo(order, event):
        raise NotAllowedError(reason)
    before = _before(event)
    status = Status.objects.filter(code=before.status).first()
    if status is None:
        raise NotAllowedError(gettext("There is no such status: %(code)s.") % {"code": before.status})

    order.status = status
    order.completed_at = before.completed_at
    if status.stage == Stage.NEW:
        order.accepted_by, order.accepted_at = None, None
    order.status_held_until = before.held_until
    set_making(order, Making(before.taken_by, before.taken_at, before.ready_by, before.ready_at))
    if event.kind == EventKind.TAKEN:
        order.responsible = User.objects.filter(pk=before.florist).first() if before.florist else None
    if before.sync_state == SyncState.CONFLICT:
        order.sync_state = SyncState.CONFLICT  # the timeline still has our desired status
    # The items are passed because they may have been edited and sent since the change.
    settle_sync_state(order, Agreement.from_json(order.bitrix_state), list(order.items.all()))
    columns = ["status", "completed_at", "accepted_by", "accepted_at", "status_held_until", "responsible"]
    order.save(update_fields=[*columns, *MAKING_FACTS, "sync_state", "updated_at"])
    publish_undone(order, event)
    event.delete()
    logger.info("order %s: %s has undone a step: %s", order.order_number, actor or "no user", event.changes)
    return order


def undoable_change(order: Order) -> OrderEvent | None:
    """Return the timeline entry of the step that can be undone now, or None if there is none.

    No query is made if the order has no held status and no fact of the making that was recorded just now.
    """
    now = timezone.now()
    ends = [moment + hold_period() for moment in (order.taken_at, order.ready_at) if moment is not None]
    if all(end is None or end <= now for end in (order.status_held_until, *ends)):
        return None
    event = next(_steps(order), None)
    return event if event is not None and not _reason_not_to_undo(order, event) else None


def changes_of_batch(batch_id: UUID) -> list[OrderEvent]:
    """Return the steps of one action with their orders, oldest first.

    Changes that are older than the hold period and `LOOK_BACK` together are not found.
    """
    # The condition on the date uses an index and reads only the entries of the last minutes.
    recent = OrderEvent.objects.filter(happened_at__gte=timezone.now() - hold_period() - LOOK_BACK)
    found = recent.filter(**{BATCH_LOOKUP: str(batch_id)}).select_related("order")
    return list(found.order_by("happened_at", "created_at"))


def held_until_of(event: OrderEvent) -> datetime | None:
    """Return the end of the hold period of the step in this entry, or None if there was no hold period."""
    undo = _undo(event)
    return undo.until if undo is not None else None


@transaction.atomic
def release_status(*, order_id: UUID, event_id: UUID) -> datetime | None:
    """Release the step of this entry after its hold period. A released step can't be undone.

    Return None if the change is released, or the time from which it may be released. Raise `Order.DoesNotExist` if
    there is no such order, and `OrderEvent.DoesNotExist` if the change has been undone.
    """
    lock_order(order_id)
    event = OrderEvent.objects.get(pk=event_id)
    payload = payload_of(event)
    undo = undo_of(payload)
    if undo is None or undo.until is None:
        return None
    moment = release_time(undo.until)
    if moment is None and not undo.has_left:
        # The release is stored, since the clock of the process that undoes the change may be slow.
        replace_payload(event, replace(payload, undo=replace(undo, has_left=True)))  # type: ignore[call-arg]
    return moment


def released_status(order: Order) -> Status:
    """Return the status that may be reported outside the CRM: during a hold period, the status before the change."""
    code = order.status_id
    if release_time(order.status_held_until) is not None:
        for event in _status_changes(order):
            if release_time(held_until_of(event)) is None:
                break
            code = _before(event).status
    return order.status if code == order.status_id else Status.objects.get(code=code)


def _status_changes(order: Order) -> Iterator[OrderEvent]:
    """Yield the latest 50 entries that changed the status, newest first."""
    yield from order.events.filter(_changed("status"))[:50]


def _steps(order: Order) -> Iterator[OrderEvent]:
    """Yield the latest 50 entries that changed the status or a fact of the making, newest first."""
    yield from order.events.filter(_changed("status") | _changed("taken_at") | _changed("ready_at"))[:50]


def _changed(field: str) -> Q:
    return Q(changes__contains=[{"field": field}])


def _reason_not_to_undo(order: Order, event: OrderEvent) -> str:
    """Return a message for staff why the step can't be undone, or an empty string if it can be undone."""
    newest = next(_steps(order), None)
    if newest is not None and newest.pk != event.pk and newest.source == Source.SITE:
        return gettext("The site has set another status since.")
    if newest is None or newest.pk != event.pk:
        if newest is not None and not _has_status(newest):
            return gettext("The bouquet has been taken, or made ready, since.")
        return gettext("The status has been changed again since.")
    undo = _undo(event)
    if undo is None or undo.before is None or event.source == Source.SITE:
        return gettext("This change can't be undone.")
    now = timezone.now()
    if not _has_status(event):
        is_over = undo.has_left or undo.until is None or undo.until <= now
        return gettext("Too late: others already know it.") if is_over else ""
    # Without `status_held_until` the status has been sent, or is being sent now.
    if undo.has_left or order.status_held_until is None or order.status_held_until <= now:
        return gettext("Too late: the status has already been sent to the site.")
    agreed = Agreement.from_json(order.bitrix_state).value("status")
    if agreed == order.status_id != undo.before.agreed:
        return gettext("The site already has this status.")
    return ""


def _has_status(event: OrderEvent) -> bool:
    return any(change["field"] == "status" for change in event.changes)


def _undo(event: OrderEvent) -> Undo | None:
    return undo_of(payload_of(event))


def _before(event: OrderEvent) -> OrderBefore:
    """Return the order's values before a step. Raise `ValueError` if the entry does not store them."""
    undo = _undo(event)
    if undo is None or undo.before is None:
        raise ValueError(f"timeline entry {event.pk} does not store the order's previous values")
    return undo.before
