"""Queue pushes of changes made in the CRM. A change received from the site is not sent back."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.models import Push
from cvety_crm.bulk_writes import Writes
from cvety_crm.outbox import LIVE, State, schedule_delivery
from orders.events import OrderChange
from orders.models import EventKind, Order, OrderEvent, Source, SyncState
from orders.rules.hold import release_time
from orders.sync.fields import PUSHED, order_values
from orders.sync.three_way_merge import Agreement

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
    for change in changes:
        _queue_change(change)


def _queue_change(change: OrderChange) -> None:
    """Queue a push if the order has pending changes.

    `sync_state` shows whether changes are pending. After a change received from the site no change is pending, unless
    the CRM kept its own value.
    """
    if change.event.kind in NOT_FOR_THE_SITE or (change.is_ours_alone and not change.is_new):
        return
    if change.event.source == Source.IMPORT:
        return  # imported history: pending changes were queued when they were made in the CRM
    order = change.order
    # During a conflict about the status, other fields that staff change are still sent.
    is_pending_change = order.sync_state == SyncState.CONFLICT and change.event.source != Source.SITE
    if order.sync_state == SyncState.PENDING or (is_pending_change and not order.has_left_site):
        queue_push(order, sorted(change.changed_fields))
    elif order.sync_state == SyncState.SYNCED and (order.has_left_site or change.event.source != Source.SITE):
        # Staff restored the site's values, or the order has left the site. After a change received from the site, the
        # event handler cancels failed pushes, and only if the change ends a failure.
        close_failed(order)


def close_failed(order: Order) -> None:
    """Cancel the failed pushes of an order on which both sides agree, so that staff need not act on them.

    If a response to an earlier request was lost, a new push fetches it.
    """
    if has_unread_responses(order):
        queue_push(order, [])
    else:
        _close(Push.objects.filter(order=order, state=State.FAILED))


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
            _set_due(push, order)
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


def queue_push(order: Order, fields: list[str]) -> Push:
    """Queue a push of the pending changes of the order, or add the fields to a push that is already queued.

    A status is held while it can be undone; all other fields are sent at once. The caller has locked the order.
    """
    # The code that records the outcome of a push also locks the order, so the push can't end at the same time.
    live = Push.objects.filter(order=order, state__in=LIVE).first()
    if live is not None:
        if not set(fields) <= set(live.fields):
            live.fields = sorted({*live.fields, *fields})
            live.save(update_fields=["fields", "updated_at"])
        if live.state == State.PENDING and live.failures == 0:
            _set_due(live, order)
        return live
    Push.objects.filter(order=order, state=State.FAILED).update(
        state=State.CANCELLED,
        last_error=gettext("A newer push carries the order's state."),
        finished_at=timezone.now(),
    )
    push = Push.objects.create(order=order, fields=fields, due_at=earliest_delivery(order) or timezone.now())
    schedule_delivery(push)
    return push


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


def _set_due(push: Push, order: Order) -> None:
    push.due_at = earliest_delivery(order) or min(push.due_at, timezone.now())
    # Compare and set: a worker that has just claimed the push delivers the pending changes itself.
    if Push.objects.filter(pk=push.pk, state=State.PENDING).update(due_at=push.due_at):
        schedule_delivery(push)
