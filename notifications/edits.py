"""The delivery of edits: a message follows its order, wherever the change was made."""

from django.utils.translation import gettext

from cvety_crm.outbox import (
    Delivered,
    Deliverer,
    NoLongerNeededError,
    NotDueError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
    register_deliverer,
)
from notifications import recipients
from notifications.models import TelegramEdit, TelegramMessage
from notifications.rendering import release_time_of, render
from notifications.telegram import replace_content
from orders.models import Order


def register() -> None:
    """Register the deliverer of edits."""
    register_deliverer(TelegramEdit._meta.label, Deliverer(deliver))


def deliver(edit: TelegramEdit) -> Delivered:
    """Edit the message. Raise `TemporaryDeliveryError`, `NoLongerNeededError` or `NotDueError`.

    Only the first message about an order and the newest one in its chat have buttons of steps. A message that Telegram
    can't edit any more, because it was deleted there, needs no edit.
    """
    message = TelegramMessage.objects.get(pk=edit.message_id)
    if reason := recipients.disabled_reason():
        raise NoLongerNeededError(reason)
    if recipients.is_deactivated(message.chat_id):
        raise NoLongerNeededError(gettext("This chat no longer receives messages."))
    if message.order_id is None:
        raise NoLongerNeededError(gettext("The message is not about an order."))
    due_at = release_time_of(Order.objects.only("status_held_until", "taken_at", "ready_at").get(pk=message.order_id))
    if due_at is not None:
        raise NotDueError(gettext("The step can still be undone."), due_at=due_at)
    rendered = render(message)
    if message.kind != TelegramMessage.Kind.NEW_ORDER and _is_followed(message):
        rendered = rendered.without_steps()
    if (rendered.text, rendered.presses) == (message.text, message.presses):
        raise NoLongerNeededError(gettext("The message is up to date."))
    try:
        replace_content(message, rendered)
    except TemporaryDeliveryError as failure:
        if failure.retry_after is not None:
            recipients.postpone_messages(message.chat_id, failure.retry_after)
        raise
    except PermanentDeliveryError as failure:
        raise NoLongerNeededError(failure.message) from None
    return Delivered(code="200", answer=f"message_id {message.telegram_message_id}")


def _is_followed(message: TelegramMessage) -> bool:
    """Return whether a newer message about the order was sent to the chat."""
    sent = TelegramMessage.objects.filter(
        order=message.order_id, chat_id=message.chat_id, telegram_message_id__isnull=False
    )
    return sent.filter(created_at__gt=message.created_at).exists()
