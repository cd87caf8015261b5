"""The chats that receive each kind of message, and the reasons why no message is sent."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.outbox import State
from notifications.models import TelegramChat, TelegramEdit, TelegramMessage

Kind = TelegramMessage.Kind


def disabled_reason() -> str:
    """Return the reason, for staff, why no message can be sent, or an empty string if messages can be sent."""
    if not settings.TELEGRAM_NOTIFICATIONS_ENABLED:
        return gettext("Telegram notifications are switched off (TELEGRAM_NOTIFICATIONS_ENABLED).")
    if not settings.TELEGRAM_BOT_TOKEN:
        return gettext("Telegram has no bot: TELEGRAM_BOT_TOKEN is not set.")
    return ""


def no_chat_reason() -> str:
    """Return the reason, for staff, why a message has no chat."""
    return gettext("There is no Telegram chat to write to: set TELEGRAM_CHAT_ID or add a chat.")


_CHATS_AND_MESSAGES = """
    SELECT row_number() OVER (ORDER BY title, chat_id) AS place, NULL::uuid AS message, NULL::uuid AS about,
        chat_id, former_chat_id, is_active, wants_new_orders, wants_status_changes
    FROM telegram_chats
    UNION ALL
    SELECT row_number() OVER (ORDER BY created_at), id, order_id, '', '', false, false, false
    FROM telegram_messages
    WHERE order_id = ANY(%s) AND telegram_message_id IS NOT NULL AND presses <> ''
    ORDER BY place
"""
"""Each received change of a status needs both, so they are read together."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """The chats that have a row, and the sent messages with buttons about some orders, the oldest first."""

    chats: Sequence[TelegramChat]
    messages: Sequence[tuple[UUID, UUID]]
    """The primary keys of a message and of its order."""


def read_recipients(orders: Collection[UUID] = ()) -> Recipients:
    """Return all chats that have a row, and the sent messages with buttons about these orders, with one query."""
    with connection.cursor() as cursor:
        cursor.execute(_CHATS_AND_MESSAGES, [list(orders)])
        rows = cursor.fetchall()
    return Recipients(
        chats=[_chat(*values) for _place, message, _about, *values in rows if message is None],
        messages=[(message, about) for _place, message, about, *_values in rows if message is not None],
    )


def _chat(chat_id: str, former: str, is_active: bool, new_orders: bool, status_changes: bool) -> TelegramChat:
    return TelegramChat(
        chat_id=chat_id,
        former_chat_id=former,
        is_active=is_active,
        wants_new_orders=new_orders,
        wants_status_changes=status_changes,
    )


def chats_for(kind: Kind, rows: Sequence[TelegramChat]) -> list[str] | None:
    """Return the ids of the chats that receive messages of this kind, or None if no chat is defined.

    `rows` are all chats (`read_recipients`).

    Only the chat in `TELEGRAM_ALERT_CHAT_ID` receives alerts. The chat of an active row receives the other kinds of
    messages that the row selects. The chat in `TELEGRAM_CHAT_ID` receives all other kinds, unless this chat also has a
    row.
    """
    if kind == Kind.ALERT:
        default = str(settings.TELEGRAM_ALERT_CHAT_ID).strip()
        moved = next((row.chat_id for row in rows if default and row.former_chat_id == default), default)
        return [moved] if moved else None
    default = str(settings.TELEGRAM_CHAT_ID).strip()
    known = {chat_id for row in rows for chat_id in (row.chat_id, row.former_chat_id)}
    chats = [row.chat_id for row in rows if row.is_active and _receives(row, kind)]
    if default and default not in known:
        chats.insert(0, default)
    return chats if rows or default else None


def default_chat(kind: str) -> str:
    """Return the id of the chat in the settings for this kind of message, or an empty string."""
    name = "TELEGRAM_ALERT_CHAT_ID" if kind == Kind.ALERT else "TELEGRAM_CHAT_ID"
    return str(getattr(settings, name)).strip()


def is_deactivated(chat_id: str) -> bool:
    """Return whether staff have deactivated the chat."""
    return TelegramChat.objects.filter(chat_id=chat_id, is_active=False).exists()


@transaction.atomic
def move_chat(old: str, new: str) -> None:
    """Replace the id of a chat, because Telegram has changed a group into a supergroup with a new id.

    The settings still have the old id, so the row stores both ids.
    """
    row = TelegramChat.objects.filter(Q(chat_id=new) | Q(chat_id=old)).order_by("created_at").first()
    if row is None:
        is_orders_chat = old == default_chat(Kind.NEW_ORDER)
        row = TelegramChat(wants_new_orders=is_orders_chat, wants_status_changes=is_orders_chat)
    TelegramChat.objects.filter(chat_id__in=(old, new)).exclude(pk=row.pk).delete()
    row.chat_id, row.former_chat_id = new, old
    row.save()
    TelegramMessage.objects.filter(chat_id=old).exclude(state=State.DELIVERED).update(chat_id=new)


def postpone_messages(chat_id: str, seconds: float) -> None:
    """Postpone what is pending for the chat until one second after the requested delay (in seconds) has passed.

    The refused message itself is sent again without the additional second. Telegram accepts about 20 messages a minute
    for one group. Without the delay, on a busy day the other messages would use up their attempts and fail.
    """
    until = timezone.now() + timedelta(seconds=seconds + 1)
    TelegramMessage.objects.filter(chat_id=chat_id, state=State.PENDING, due_at__lt=until).update(due_at=until)
    edits = TelegramEdit.objects.filter(message__chat_id=chat_id, state=State.PENDING, due_at__lt=until)
    edits.update(due_at=until)


def report_chats() -> list[tuple[str, str]]:
    """Return the id and the name of each chat to which scheduled reports can be sent."""
    rows = list(TelegramChat.objects.filter(is_active=True))
    known = {row.chat_id for row in rows} | {row.former_chat_id for row in rows}
    found = [(row.chat_id, str(row)) for row in rows]
    for kind, label in (
        (Kind.NEW_ORDER, gettext("the chat of TELEGRAM_CHAT_ID")),
        (Kind.ALERT, gettext("the chat of TELEGRAM_ALERT_CHAT_ID")),
    ):
        chat_id = default_chat(kind)
        if chat_id and chat_id not in known:
            known.add(chat_id)
            found.append((chat_id, label))
    return found


def current_chat(chat_id: str) -> str:
    """Return the present id of a chat whose id may be from before Telegram made the group a supergroup."""
    row = TelegramChat.objects.filter(former_chat_id=chat_id).first() if chat_id else None
    return row.chat_id if row is not None else chat_id


def _receives(row: TelegramChat, kind: Kind) -> bool:
    return row.wants_new_orders if kind == Kind.NEW_ORDER else row.wants_status_changes
