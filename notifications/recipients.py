"""Who hears of what, and why nobody does."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.outbox import State
from notifications.models import TelegramChat, TelegramMessage

Kind = TelegramMessage.Kind


def muted_reason() -> str:
    """Return why no message can be sent at all, in words for staff; "" when Telegram is on."""
    if not settings.TELEGRAM_NOTIFICATIONS_ENABLED:
        return gettext("Telegram notifications are switched off (TELEGRAM_NOTIFICATIONS_ENABLED).")
    if not settings.TELEGRAM_BOT_TOKEN:
        return gettext("Telegram has no bot: TELEGRAM_BOT_TOKEN is not set.")
    return ""


def no_chat_reason() -> str:
    """Return the words for a message that has nowhere to go."""
    return gettext("There is no Telegram chat to write to: set TELEGRAM_CHAT_ID or add a chat.")


def chats_for(kind: Kind) -> list[str] | None:
    """Return the ids of the chats that want messages of this kind, in one query; None when there is no chat at all.

    The chat of the settings wants everything, unless a row of its own says otherwise.
    """
    rows = list(TelegramChat.objects.all())
    if kind == Kind.ALERT:
        default = str(settings.TELEGRAM_ALERT_CHAT_ID).strip()
        moved = next((row.chat_id for row in rows if default and row.former_chat_id == default), default)
        return [moved] if moved else None
    default = str(settings.TELEGRAM_CHAT_ID).strip()
    known = {chat_id for row in rows for chat_id in (row.chat_id, row.former_chat_id)}
    chats = [row.chat_id for row in rows if row.is_active and _wants(row, kind)]
    if default and default not in known:
        chats.insert(0, default)
    return chats if rows or default else None


def default_chat(kind: str) -> str:
    """Return the chat of the settings for this kind of message, or ""."""
    name = "TELEGRAM_ALERT_CHAT_ID" if kind == Kind.ALERT else "TELEGRAM_CHAT_ID"
    return str(getattr(settings, name)).strip()


def is_switched_off(chat_id: str) -> bool:
    """Return whether the chat has been told to receive nothing any more."""
    return TelegramChat.objects.filter(chat_id=chat_id, is_active=False).exists()


@transaction.atomic
def move_chat(old: str, new: str) -> None:
    """Note that Telegram has turned a group into a supergroup with another id.

    The settings keep the old id until a person changes them, so a row remembers which chat is meant.
    """
    row = TelegramChat.objects.filter(Q(chat_id=new) | Q(chat_id=old)).order_by("created_at").first()
    if row is None:
        is_orders_chat = old == default_chat(Kind.NEW_ORDER)
        row = TelegramChat(wants_new_orders=is_orders_chat, wants_status_changes=is_orders_chat)
    TelegramChat.objects.filter(chat_id__in=(old, new)).exclude(pk=row.pk).delete()
    row.chat_id, row.former_chat_id = new, old
    row.save()
    TelegramMessage.objects.filter(chat_id=old).exclude(state=State.DELIVERED).update(chat_id=new)


def hold_back(chat_id: str, seconds: float) -> None:
    """Let every waiting message to the chat wait as long as Telegram asks, and a second more than the one it refused.

    Telegram takes about 20 messages a minute for one group. On a busy day each of the others would use up its attempts
    on being refused too, and be given up.
    """
    until = timezone.now() + timedelta(seconds=seconds + 1)
    TelegramMessage.objects.filter(chat_id=chat_id, state=State.PENDING, due_at__lt=until).update(due_at=until)


def _wants(row: TelegramChat, kind: Kind) -> bool:
    return row.wants_new_orders if kind == Kind.NEW_ORDER else row.wants_status_changes
