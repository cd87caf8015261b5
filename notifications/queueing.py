"""Telegram messages are queued in the transaction of the change that they report.

This module only inserts and deletes rows. The text of a message about an order is created when the message is sent
(`notifications.rendering`). The text of an alert is created when the alert is queued.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from cvety_crm.alerts import Alert
from cvety_crm.outbox import State, schedule_delivery
from notifications import recipients, texts
from notifications.models import TelegramEdit, TelegramMessage
from orders import services
from orders.events import OrderChange
from orders.models import EventKind, Order, OrderEvent, Reason, Source
from orders.rules.hold import release_time
from orders.sync.fields import MAKING_FACTS
from orders.timeline_payloads import FromSite, payload_of

Kind = TelegramMessage.Kind

OUTDATED_AFTER = timedelta(days=1)
"""If an order is older than this, a change that a comparison finds in the order queues no message."""
_FACTS = (EventKind.READY, EventKind.REMADE)
"""The facts of the making that others wait for. They are reported even if the site has no status for them."""
STEP_FIELDS = frozenset(
    {"status", "is_cancelled", "is_deleted_on_site", "is_pickup", "courier", "responsible", *MAKING_FACTS}
)
"""The fields of timeline entries on which the buttons of a message depend."""
_STEP_EVENTS = (EventKind.PROBLEM, EventKind.SOLVED)
EDIT_DELAY = timedelta(seconds=3)
"""The time in which the changes of an order are collected, so that a message is edited once for all of them."""
STUB_DELAY = timedelta(minutes=2)
"""The delay of the message about a new stub. The CRM requests the rest of the order from the site each minute."""


def on_order_event(change: OrderChange) -> None:
    """Queue a message to each chat for a new order, a status, a bouquet that is ready, a cancellation, a problem or an
    answer to a photo.

    Imported orders and outdated changes found by a comparison cause no message. The message about a status is sent
    after the status's hold period. Make three queries, and one query for the task after the commit.
    """
    if change.event.source == Source.IMPORT or _is_outdated(change):
        return
    if not change.is_new and (change.changed_fields & STEP_FIELDS or change.event.kind in _STEP_EVENTS):
        queue_edits(change.order, release_time(services.held_until_of(change.event)))
    if change.is_new:
        _queue(Kind.NEW_ORDER, order=change.order, event=change.event)
    elif change.changed_fields & {"status", "is_cancelled"} or change.event.kind in _FACTS:
        due_at = release_time(services.held_until_of(change.event))
        _queue(Kind.STATUS, order=change.order, event=change.event, due_at=due_at)
    elif change.event.kind == EventKind.PROBLEM:
        # The text is created now, because the problem may be solved or changed before the message is sent.
        _queue(Kind.ALERT, text=texts.problem(change.order, change.event))
    elif change.event.kind == EventKind.PHOTO_ANSWERED:
        _queue(Kind.PHOTO, order=change.order, event=change.event)


def on_status_undone(order: Order, event: OrderEvent) -> None:
    """Delete the messages about a status that is being undone, in the same transaction."""
    rows = TelegramMessage.objects.filter(event=event)
    # The rows are locked first: a worker may be claiming a row, and the attempt that the worker inserts must also be
    # deleted.
    list(rows.select_for_update().values_list("pk"))
    rows.delete()
    queue_edits(order)


def queue_edits(order: Order, after: datetime | None = None) -> None:
    """Queue an edit of each message about the order that has buttons of steps, `EDIT_DELAY` after `after` or now.

    An edit that is already pending stands for this change too. Several messages are edited one after another, with the
    same delay between them. Make one query, or three if there are such messages.
    """
    if recipients.disabled_reason():
        return
    sent = TelegramMessage.objects.filter(order=order, telegram_message_id__isnull=False).exclude(presses="")
    messages = list(sent.order_by("created_at").values_list("pk", flat=True))
    if not messages:
        return
    pending = TelegramEdit.objects.filter(message__in=messages, state=State.PENDING)
    # The pending edits are locked until the commit, so that no worker renders the order as it was before.
    known = set(pending.select_for_update().values_list("message_id", flat=True))
    start = max(after or timezone.now(), timezone.now())
    edits = [
        TelegramEdit(message_id=message, due_at=start + number * EDIT_DELAY)
        for number, message in enumerate((one for one in messages if one not in known), start=1)
    ]
    TelegramEdit.objects.bulk_create(edits)
    for edit in edits:
        schedule_delivery(edit)


def _is_outdated(change: OrderChange) -> bool:
    payload = payload_of(change.event)
    is_from_comparison = isinstance(payload, FromSite) and payload.occasion == Reason.COMPARED
    return is_from_comparison and change.order.created_at < timezone.now() - OUTDATED_AFTER


def on_alert(alert: Alert) -> None:
    """Queue a message with the alert to the alert chat."""
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
    reason = recipients.disabled_reason() or ("" if chats is not None else recipients.no_chat_reason())
    now = timezone.now()
    is_stub = kind == Kind.NEW_ORDER and order is not None and order.is_stub
    messages = [
        TelegramMessage(
            kind=kind,
            chat_id=chat_id,
            order=order,
            event=event,
            text=text,
            due_at=now + STUB_DELAY if is_stub else due_at or now,
            state=State.CANCELLED if reason else State.PENDING,
            last_error=reason,
            finished_at=now if reason else None,
        )
        for chat_id in ([""] if chats is None else chats)
    ]
    TelegramMessage.objects.bulk_create(messages)
    if messages and not reason and not is_stub:
        schedule_delivery(*messages)
