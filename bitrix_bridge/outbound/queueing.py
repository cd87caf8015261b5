"""Queueing pushes: a change made on this side must reach the site, one that came from the site must not go back."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.models import Push
from cvety_crm.outbox import LIVE, State, schedule_delivery
from orders.events import OrderChange
from orders.models import EventKind, Order, OrderEvent, Source, SyncState
from orders.rules.hold import leaves_at
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
    }
)
"""What happens among staff and with the customer only, or was said by the site: nothing to send, even if something else
of the order waits."""


def on_order_event(change: OrderChange) -> None:
    """Queue a push if the site has yet to hear of something; called in the transaction of the change.

    `sync_state` says so: a change of the site's own leaves nothing to tell, unless ours stayed against it.
    """
    if change.event.kind in NOT_FOR_THE_SITE or (change.is_ours_alone and not change.is_new):
        return
    if change.event.source == Source.IMPORT:
        return  # imported history: what the site has yet to receive was queued when it was changed here
    order = change.order
    # In a conflict about the status, other fields that staff change are sent all the same.
    is_pending_change = order.sync_state == SyncState.CONFLICT and change.event.source != Source.SITE
    if order.sync_state == SyncState.PENDING or (is_pending_change and not order.has_left_site):
        queue_push(order, sorted(change.changed_fields))
    elif order.sync_state == SyncState.SYNCED and (order.has_left_site or change.event.source != Source.SITE):
        # Staff went back to what the site has, or there is nobody left to tell. A change of the site's own is looked at
        # by whoever takes it over: only one that ends a failure has anything to close.
        close_failed(order)


def close_failed(order: Order) -> None:
    """Close the push that was given up of an order about which both sides agree by now: it needs nobody any more."""
    _close(Push.objects.filter(order=order, state=State.FAILED))


def _close(failed: QuerySet[Push]) -> None:
    failed.update(
        state=State.CANCELLED, last_error=gettext("The site has the order as it is."), finished_at=timezone.now()
    )


def on_status_taken_back(order: Order, event: OrderEvent) -> None:
    """Put the order's push right; called in the transaction in which the status of this entry is taken back.

    One that is under way is left alone: before each request it looks whether the order still has what it is to send.
    """
    # Locked: from here on no worker takes it up.
    push = Push.objects.select_for_update().filter(order=order, state__in=LIVE).first()
    if push is None:
        if order.sync_state == SyncState.PENDING:
            queue_push(order, [])
        return
    if push.state != State.PENDING:
        return
    left = [] if order.has_left_site else unsent_fields(order)
    if left or order.bitrix_order_id is None:
        push.fields = [name for name in push.fields if name != "status" or "status" in left]
        push.save(update_fields=["fields", "updated_at"])
        if push.failures == 0:
            _set_due(push, order)
    elif push.attempts == 0:
        push.delete()
    else:
        push.state, push.finished_at = State.CANCELLED, timezone.now()
        push.last_error = gettext("The status was taken back.")
        push.save(update_fields=["state", "last_error", "finished_at", "updated_at"])


def queue_missed(limit: int = 100) -> int:
    """Queue a push for each order that waits for one and has none; return how many. Runs each minute.

    None should ever be missing. If one is (rows deleted by hand, a mistake of ours), the order is not left behind.
    """
    # And the other way round, whatever way the agreement came about.
    _close(Push.objects.filter(state=State.FAILED, order__sync_state=SyncState.SYNCED))
    waiting = Order.objects.filter(sync_state=SyncState.PENDING, is_deleted_on_site=False, is_archived_on_site=False)
    has_push = Push.objects.filter(order=OuterRef("pk"), state__in=LIVE)
    keys = list(waiting.exclude(Exists(has_push)).values_list("pk", flat=True)[:limit])
    for key in keys:
        with transaction.atomic():
            order = Order.objects.select_for_update().get(pk=key)
            if order.sync_state == SyncState.PENDING:
                queue_push(order, [])
    return len(keys)


def queue_push(order: Order, fields: list[str]) -> Push | None:
    """Have the order's present state sent, folding this wish into the push that already waits.

    A status that can be taken back waits until it can't; everything else leaves at once.
    """
    # The caller holds the order's lock, and so does whoever records a push's outcome: no other row can appear.
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
    """Return the fields that the site has yet to hear of."""
    return Agreement.from_json(order.bitrix_state).unsent(order_values(order, PUSHED))


def earliest_delivery(order: Order) -> datetime | None:
    """Return when the site is to hear of the order, if that is not at once: only its status is left, and is held."""
    moment = leaves_at(order.status_held_until)
    # Creating an order tells no status: it follows.
    if moment is None or order.bitrix_order_id is None or unsent_fields(order) != ["status"]:
        return None
    return moment


def _set_due(push: Push, order: Order) -> None:
    push.due_at = earliest_delivery(order) or min(push.due_at, timezone.now())
    # Compare and set: if a worker takes it up this very moment, it sees to the rest itself.
    if Push.objects.filter(pk=push.pk, state=State.PENDING).update(due_at=push.due_at):
        schedule_delivery(push)
