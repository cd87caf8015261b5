"""Queueing Telegram messages, in the transaction of what they tell of: rows are inserted, nothing is sent or written
out here. The text is put together when a message leaves (`notifications.rendering`).
"""

from datetime import datetime, timedelta

from django.utils import timezone

from cvety_crm.alerts import Alert
from cvety_crm.outbox import State, schedule_delivery
from notifications import recipients, texts
from notifications.models import TelegramMessage
from orders import services
from orders.events import OrderChange
from orders.models import EventKind, Order, OrderEvent, Reason, Source
from orders.rules.hold import leaves_at
from orders.timeline_payloads import FromSite, payload_of

Kind = TelegramMessage.Kind

OLD_NEWS = timedelta(days=1)
"""From which age of an order on nobody is told what only a comparison of both sides has brought to light."""
STUB_WAIT = timedelta(minutes=2)
"""What a new order waits for when the site has told only its status: the rest is asked for each minute."""


def on_order_event(change: OrderChange) -> None:
    """Queue a message to each chat for a new order, a changed status, a problem, or a customer's answer about a photo.

    Imported history makes none, nor does an old order that a comparison has found. A status that can be taken back
    leaves when it can't any more. Two queries, and one after commit for the task.
    """
    if change.event.source == Source.IMPORT or _is_old_news(change):
        return
    if change.is_new:
        _queue(Kind.NEW_ORDER, order=change.order, event=change.event)
    elif "status" in change.changed_fields:
        due_at = leaves_at(services.held_until_of(change.event))
        _queue(Kind.STATUS, order=change.order, event=change.event, due_at=due_at)
    elif change.event.kind == EventKind.PROBLEM:
        # Written out now: it may be solved, or another one, by the time it leaves.
        _queue(Kind.ALERT, text=texts.problem(change.order, change.event))
    elif change.event.kind == EventKind.PHOTO_ANSWERED:
        _queue(Kind.PHOTO, order=change.order, event=change.event)


def on_status_taken_back(order: Order, event: OrderEvent) -> None:
    """Remove the messages about the status that is being taken back; called in that transaction."""
    rows = TelegramMessage.objects.filter(event=event)
    # Locked first: a worker that takes one up at this moment notes its attempt, which has to go too.
    list(rows.select_for_update().values_list("pk"))
    rows.delete()


def _is_old_news(change: OrderChange) -> bool:
    payload = payload_of(change.event)
    is_made_up_for = isinstance(payload, FromSite) and payload.occasion == Reason.COMPARED
    return is_made_up_for and change.order.created_at < timezone.now() - OLD_NEWS


def on_alert(alert: Alert) -> None:
    """Queue an alert to the alert chat."""
    _queue(Kind.ALERT, text=texts.alert(alert))


def _queue(
    kind: Kind,
    *,
    order: Order | None = None,
    event: OrderEvent | None = None,
    text: str = "",
    due_at: datetime | None = None,
) -> None:
    chats = recipients.chats_for(kind)
    reason = recipients.muted_reason() or ("" if chats is not None else recipients.no_chat_reason())
    now = timezone.now()
    is_early = kind == Kind.NEW_ORDER and order is not None and order.is_stub
    messages = [
        TelegramMessage(
            kind=kind,
            chat_id=chat_id,
            order=order,
            event=event,
            text=text,
            due_at=now + STUB_WAIT if is_early else due_at or now,
            state=State.CANCELLED if reason else State.PENDING,
            last_error=reason,
            finished_at=now if reason else None,
        )
        for chat_id in ([""] if chats is None else chats)
    ]
    TelegramMessage.objects.bulk_create(messages)
    if messages and not reason and not is_early:
        schedule_delivery(*messages)
