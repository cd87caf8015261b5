"""Queue pushes of changes made in the CRM. A change received from the site is not sent back."""

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.models import Push
from cvety_crm.bulk_writes import Writes
from cvety_crm.correlation import current_id
from cvety_crm.outbox import LIVE, State, schedule_delivery
from orders.events import OrderChange
from orders.models import EventKind, Order, OrderEvent, Source, SyncState
from orders.rules.hold import release_time
from orders.sync.agreement import Agreement
from orders.sync.fields import PUSHED, order_values

exchange_logger = logging.getLogger("cvety_crm.exchange")

NOT_FOR_THE_SITE = frozenset(
    {
        EventKind.PROBLEM,
        EventKind.SOLVED,
        EventKind.NOTIFIED,
        EventKind.WARNED,
        EventKind.PHOTO_ADDED,
        EventKind.PHOTO_WITHDRAWN,
        EventKind.PHOTO_LINK,
        EventKind.PHOTO_ANSWERED,
        EventKind.CUSTOMER,
    }
)
"""Kinds of timeline entries that concern only staff and the customer, or that contain a warning of the site. Such an
entry queues no push, even if other changes of the order are pending."""


def on_order_changes(changes: Sequence[OrderChange], _writes: Writes) -> None:
    """Queue a push of each order that has pending changes. This function is called in the transaction of the changes.

    Changes received from the site make no query, unless the CRM has kept its own values.
    """
    pending: dict[UUID, tuple[Order, set[str]]] = {}
    agreed: list[Order] = []
    for change in changes:
        order = change.order
        if _is_pending(change):
            pending.setdefault(order.pk, (order, set()))[1].update(change.changed_fields)
        elif _is_agreed(change):
            agreed.append(order)
    queue_pushes(pending.values())
    close_failed(*(order for order in agreed if order.pk not in pending))


def _may_queue(change: OrderChange) -> bool:
    if change.event.kind in NOT_FOR_THE_SITE or (change.is_ours_alone and not change.is_new):
        return False
    # Imported history: pending changes were queued when they were made in the CRM.
    return change.event.source != Source.IMPORT


def _is_pending(change: OrderChange) -> bool:
    """Return whether the order has pending changes that a push must send.

    `sync_state` shows whether changes are pending. After a change received from the site no change is pending, unless
    the CRM kept its own value.
    """
    order = change.order
    # During a conflict about the status, other fields that staff change are still sent.
    is_pending_change = order.sync_state == SyncState.CONFLICT and change.event.source != Source.SITE
    is_pending = order.sync_state == SyncState.PENDING or (is_pending_change and not order.has_left_site)
    return is_pending and _may_queue(change)


def _is_agreed(change: OrderChange) -> bool:
    """Return whether staff have restored the site's values, or the order has left the site.

    After a change received from the site, the event handler cancels failed pushes, and only if the change ends a
    failure.
    """
    order = change.order
    is_ended = order.has_left_site or change.event.source != Source.SITE
    return order.sync_state == SyncState.SYNCED and is_ended and _may_queue(change)


def close_failed(*orders: Order) -> None:
    """Cancel the failed pushes of orders on which both sides agree, so that staff need not act on them.

    If a response to an earlier request was lost, a new push fetches it.
    """
    unread = [order for order in orders if has_unread_responses(order)]
    queue_pushes((order, ()) for order in unread)
    if closed := [order.pk for order in orders if order not in unread]:
        _close(Push.objects.filter(order__in=closed, state=State.FAILED))


def _close(failed: QuerySet[Push]) -> None:
    failed.update(
        state=State.CANCELLED, last_error=gettext("The site has the order as it is."), finished_at=timezone.now()
    )


def on_status_undone(order: Order, event: OrderEvent) -> None:
    """Update or cancel the order's push. This function is called in the transaction that undoes the status.

    A push that is being delivered is not changed, because the delivery reads the order again before each request.
    """
    # Because of the lock, no worker can claim the push.
    push = Push.objects.select_for_update().filter(order=order, state__in=LIVE).first()
    if push is None:
        if order.sync_state == SyncState.PENDING:
            queue_push(order, [])
        return
    if push.state != State.PENDING:
        return
    left = [] if order.has_left_site else unsent_fields(order)
    if left or order.bitrix_order_id is None or has_unread_responses(order):
        push.fields = [name for name in push.fields if name != "status" or "status" in left]
        push.save(update_fields=["fields", "updated_at"])
        if push.failures == 0:
            _set_due([(push, order)])
    elif push.attempts == 0:
        push.delete()
    else:
        push.state, push.finished_at = State.CANCELLED, timezone.now()
        push.last_error = gettext("The status was undone.")
        push.save(update_fields=["state", "last_error", "finished_at", "updated_at"])


def queue_missed(limit: int = 100) -> int:
    """Queue a push for each pending order without a push. Return the number of such orders.

    This function runs each minute. A push is missing only after rows were deleted by hand or because of a bug.
    """
    # Also cancel failed pushes of orders on which both sides agree, however the agreement was reached.
    needless = Push.objects.filter(state=State.FAILED, order__sync_state=SyncState.SYNCED)
    for order_id in list(needless.filter(order__bitrix_state__unread__0__isnull=False).values_list("order", flat=True)):
        with transaction.atomic():
            close_failed(Order.objects.select_for_update(no_key=True).get(pk=order_id))
    _close(needless)
    pending = Order.objects.filter(sync_state=SyncState.PENDING, is_deleted_on_site=False, is_archived_on_site=False)
    has_push = Push.objects.filter(order=OuterRef("pk"), state__in=LIVE)
    ids = list(pending.exclude(Exists(has_push)).values_list("pk", flat=True)[:limit])
    for order_id in ids:
        with transaction.atomic():
            order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
            if order.sync_state == SyncState.PENDING:
                queue_push(order, [])
    return len(ids)


def queue_push(order: Order, fields: Collection[str]) -> Push:
    """Queue a push of the pending changes of the order, or add the fields to a push that is already queued.

    A status is held while it can be undone; all other fields are sent at once. The caller has locked the order.
    """
    return queue_pushes([(order, fields)])[0]


def queue_pushes(wanted: Iterable[tuple[Order, Collection[str]]]) -> list[Push]:
    """Queue pushes of different orders like `queue_push`, with at most five statements."""
    wanted = list(wanted)
    if not wanted:
        return []
    # The code that records the outcome of a push also locks the order, so the push can't end at the same time.
    keys = [order.pk for order, _fields in wanted]
    live = {push.order_id: push for push in Push.objects.filter(order__in=keys, state__in=LIVE)}
    new = _insert([(order, fields) for order, fields in wanted if order.pk not in live])
    _extend([(live[order.pk], order, fields) for order, fields in wanted if order.pk in live])
    return [live.get(key) or new[key] for key in keys]


def _insert(wanted: Sequence[tuple[Order, Collection[str]]]) -> dict[UUID, Push]:
    """Insert pushes of orders without a live push. Their failed pushes are cancelled."""
    if not wanted:
        return {}
    Push.objects.filter(order__in=[order.pk for order, _fields in wanted], state=State.FAILED).update(
        state=State.CANCELLED,
        last_error=gettext("A newer push carries the order's state."),
        finished_at=timezone.now(),
    )
    pushes = [
        Push(
            order=order,
            fields=sorted(fields),
            due_at=earliest_delivery(order) or timezone.now(),
            correlation_id=current_id(),
        )
        for order, fields in wanted
    ]
    writes = Writes()
    for push in pushes:
        _log(push, "queued")
        writes.insert(push)
        schedule_delivery(push, writes=writes)
    writes.flush()
    return {push.order_id: push for push in pushes}


def _extend(wanted: Sequence[tuple[Push, Order, Collection[str]]]) -> None:
    """Add fields to pushes that are already queued."""
    extended = [(push, fields) for push, _order, fields in wanted if not set(fields) <= set(push.fields)]
    for push, fields in extended:
        _log(push, "extended")
        push.fields, push.updated_at = sorted({*push.fields, *fields}), timezone.now()
    if extended:
        Push.objects.bulk_update([push for push, _fields in extended], ["fields", "updated_at"])
    _set_due([(push, order) for push, order, _ in wanted if push.state == State.PENDING and push.failures == 0])


def _log(push: Push, what: str) -> None:
    # The id of these lines is that of the change, so they connect it with the lines of the push, which has one id.
    about = {"entry_id": str(push.pk), "order_id": str(push.order_id), "push_correlation_id": push.correlation_id}
    exchange_logger.info("push %s: %s", push.pk, what, extra=about)


def unsent_fields(order: Order) -> list[str]:
    """Return the names of the fields with pending changes."""
    return Agreement.from_json(order.bitrix_state).unsent(order_values(order, PUSHED))


def has_unread_responses(order: Order) -> bool:
    """Return whether the responses to earlier requests were lost and can still be fetched."""
    return bool(Agreement.from_json(order.bitrix_state).unread) and not order.has_left_site


def earliest_delivery(order: Order) -> datetime | None:
    """Return the end of the hold period if a held status is the only pending field; otherwise None."""
    held_until = release_time(order.status_held_until)
    # An order that is not on the site yet is created without its status, so the push need not wait.
    if held_until is None or order.bitrix_order_id is None or unsent_fields(order) != ["status"]:
        return None
    return held_until


def _set_due(pushes: Sequence[tuple[Push, Order]]) -> None:
    for push, order in pushes:
        push.due_at = earliest_delivery(order) or min(push.due_at, timezone.now())
    changed = [push for push, _order in pushes]
    # Compare and set: a worker that has just claimed a push delivers the pending changes itself.
    if changed and Push.objects.filter(state=State.PENDING).bulk_update(changed, ["due_at"]):
        _schedule(changed)


def _schedule(pushes: Iterable[Push]) -> None:
    """Queue the tasks of pushes, with one statement."""
    writes = Writes()
    for push in pushes:
        schedule_delivery(push, writes=writes)
    writes.flush()
