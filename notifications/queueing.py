"""Telegram messages are queued in the transaction of the change that they report.

This module only inserts and deletes rows. The text of a message about an order is created when the message is sent
(`notifications.rendering`). The text of an alert is created when the alert is queued.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from cvety_crm.alerts import Alert
from cvety_crm.bulk_writes import Writes
from cvety_crm.outbox import State, schedule_delivery
from notifications import recipients, texts
from notifications.models import TelegramEdit, TelegramMessage
from notifications.recipients import Recipients
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


def on_order_changes(changes: Sequence[OrderChange], writes: Writes) -> None:
    """Queue a message to each chat for a new order, a status, a bouquet that is ready, a cancellation, a problem or an
    answer to a photo. Queue the edits of the messages whose buttons must follow.

    Imported orders and outdated changes found by a comparison cause no message. The message about a status is sent
    after the status's hold period. Make one query, or two if messages have to be edited, and one query for each task
    after the commit.
    """
    notified = [change for change in changes if change.event.source != Source.IMPORT and not _is_outdated(change)]
    edited = {
        change.order.pk: release_time(services.held_until_of(change.event))
        for change in notified
        if not change.is_new and (change.changed_fields & STEP_FIELDS or change.event.kind in _STEP_EVENTS)
    }
    messages = [message for change in notified if (message := _message_of(change)) is not None]
    if edited or messages:
        found = recipients.read_recipients(edited)
        _queue_edits(edited, found, writes)
        _queue(messages, found, writes)


def _message_of(change: OrderChange) -> TelegramMessage | None:
    """Return the message about the change, without its chat, or None if the change causes no message."""
    order, event = change.order, change.event
    if change.is_new:
        delay = STUB_DELAY if order.is_stub else timedelta()
        return TelegramMessage(kind=Kind.NEW_ORDER, order=order, event=event, due_at=timezone.now() + delay)
    if change.changed_fields & {"status", "is_cancelled"} or event.kind in _FACTS:
        due_at = release_time(services.held_until_of(event)) or timezone.now()
        return TelegramMessage(kind=Kind.STATUS, order=order, event=event, due_at=due_at)
    if event.kind == EventKind.PROBLEM:
        # The text is created now, because the problem may be solved or changed before the message is sent.
        return TelegramMessage(kind=Kind.ALERT, text=texts.problem(order, event), due_at=timezone.now())
    if event.kind == EventKind.PHOTO_ANSWERED:
        return TelegramMessage(kind=Kind.PHOTO, order=order, event=event, due_at=timezone.now())
    return None


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
    writes = Writes()
    _queue_edits({order.pk: after}, recipients.read_recipients([order.pk]), writes)
    writes.flush()


def _queue_edits(orders: Mapping[UUID, datetime | None], found: Recipients, writes: Writes) -> None:
    """Queue the edits of `queue_edits` for several orders. The values are the times after which they are edited."""
    if not found.messages or recipients.disabled_reason():
        return
    pending = TelegramEdit.objects.filter(message__in=[pk for pk, _order in found.messages], state=State.PENDING)
    # The pending edits are locked until the commit, so that no worker renders the order as it was before.
    known = set(pending.select_for_update(no_key=True).values_list("message_id", flat=True))
    queued, now = dict[UUID, int](), timezone.now()
    for pk, order_id in found.messages:
        if pk in known:
            continue
        queued[order_id] = queued.get(order_id, 0) + 1
        start = max(orders[order_id] or now, now)
        edit = TelegramEdit(message_id=pk, due_at=start + queued[order_id] * EDIT_DELAY)
        writes.insert(edit)
        schedule_delivery(edit, writes=writes)


def _is_outdated(change: OrderChange) -> bool:
    payload = payload_of(change.event)
    is_from_comparison = isinstance(payload, FromSite) and payload.occasion == Reason.COMPARED
    return is_from_comparison and change.order.created_at < timezone.now() - OUTDATED_AFTER


def on_alert(alert: Alert) -> None:
    """Queue a message with the alert to the alert chat."""
    writes = Writes()
    message = TelegramMessage(kind=Kind.ALERT, text=texts.alert(alert), due_at=timezone.now())
    _queue([message], recipients.read_recipients(), writes)
    writes.flush()


def _queue(messages: Sequence[TelegramMessage], found: Recipients, writes: Writes) -> None:
    """Queue these messages, each once for every chat that receives its kind."""
    disabled = recipients.disabled_reason()
    for message in messages:
        chats = recipients.chats_for(Kind(message.kind), found.chats)
        reason = disabled or ("" if chats is not None else recipients.no_chat_reason())
        copies = [_addressed(message, chat_id, reason) for chat_id in ([""] if chats is None else chats)]
        writes.insert(*copies)
        is_stub = message.order is not None and message.kind == Kind.NEW_ORDER and message.order.is_stub
        if copies and not reason and not is_stub:
            schedule_delivery(*copies, writes=writes)


def _addressed(message: TelegramMessage, chat_id: str, reason: str) -> TelegramMessage:
    """Return a copy of the message for a chat. With a reason why nothing is sent, it is cancelled."""
    return TelegramMessage(
        kind=message.kind,
        chat_id=chat_id,
        order=message.order,
        event=message.event,
        text=message.text,
        due_at=message.due_at,
        state=State.CANCELLED if reason else State.PENDING,
        last_error=reason,
        finished_at=timezone.now() if reason else None,
    )
