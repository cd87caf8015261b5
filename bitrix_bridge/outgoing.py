"""Queueing pushes: a change made on this side must reach the site, one that came from the site must not go back."""

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.models import Push
from cvety_crm.outbox import LIVE, State, nudge
from orders.events import OrderChange
from orders.models import Order, Source, SyncState


def on_order_event(change: OrderChange) -> None:
    """Queue a push if the site has yet to hear of something; called in the transaction of the change.

    `sync_state` says so: a change of the site's own leaves nothing to tell, unless ours stayed against it.
    """
    order = change.order
    # In a conflict about the status, other fields that staff change are sent all the same.
    is_wish = order.sync_state == SyncState.CONFLICT and change.event.source != Source.SITE
    if order.sync_state == SyncState.PENDING or (is_wish and not order.is_deleted_on_site):
        queue_push(order, sorted(change.changed_fields))
    elif order.sync_state == SyncState.SYNCED and (order.is_deleted_on_site or change.event.source != Source.SITE):
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


def queue_forgotten(limit: int = 100) -> int:
    """Queue a push for each order that waits for one and has none; return how many. Runs each minute.

    None should ever be missing. If one is (rows deleted by hand, a mistake of ours), the order is not left behind.
    """
    # And the other way round, whatever way the agreement came about.
    _close(Push.objects.filter(state=State.FAILED, order__sync_state=SyncState.SYNCED))
    waiting = Order.objects.filter(sync_state=SyncState.PENDING, is_deleted_on_site=False)
    has_push = Push.objects.filter(order=OuterRef("pk"), state__in=LIVE)
    keys = list(waiting.exclude(Exists(has_push)).values_list("pk", flat=True)[:limit])
    for key in keys:
        with transaction.atomic():
            order = Order.objects.select_for_update().get(pk=key)
            if order.sync_state == SyncState.PENDING:
                queue_push(order, [])
    return len(keys)


def queue_push(order: Order, fields: list[str]) -> Push | None:
    """Have the order's present state sent, folding this wish into the push that already waits."""
    # The caller holds the order's lock, and so does whoever records a push's outcome: no other row can appear.
    live = Push.objects.filter(order=order, state__in=LIVE).first()
    if live is not None:
        if not set(fields) <= set(live.fields):
            live.fields = sorted({*live.fields, *fields})
            live.save(update_fields=["fields", "updated_at"])
        if live.state == State.PENDING and live.failures == 0:
            nudge(live)
        return live
    Push.objects.filter(order=order, state=State.FAILED).update(
        state=State.CANCELLED,
        last_error=gettext("A newer push carries the order's state."),
        finished_at=timezone.now(),
    )
    push = Push.objects.create(order=order, fields=fields)
    nudge(push)
    return push
