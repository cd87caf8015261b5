"""Queueing pushes: a change made on this side must reach the site, one that came from the site must not go back."""

from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.models import Push
from cvety_crm.outbox import LIVE, State, nudge
from orders.events import OrderChange
from orders.models import Order, SyncState


def on_order_event(change: OrderChange) -> None:
    """Queue a push if the site has yet to hear of something; called in the transaction of the change.

    `sync_state` says so: a change of the site's own leaves nothing to tell, unless ours stayed against it.
    """
    if change.order.sync_state == SyncState.PENDING:
        queue_push(change.order, sorted(change.changed_fields))


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
