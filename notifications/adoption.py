"""The chats of the earlier CRM, whose table is called `telegram_users`."""

from collections.abc import Sequence

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.adoption.rows import Row
from cvety_crm.adoption.steps import Context, Step, Tally
from notifications.models import TelegramChat

EVERYTHING = "all"
"""The level of chats that get messages about orders. Other levels get alerts, whose chat is a setting of the CRM."""
LONGEST_ID = 64


class ChatStep(Step):
    """Create a chat for each of them. The earlier table stays as it is."""

    name = "chats"
    table = "telegram_users"
    title = _("Telegram chats")
    model = TelegramChat
    read = ("id", "chat_id", "username", "first_name", "level", "is_active", "created_at", "updated_at")
    order_by = ("chat_id", "created_at", "id")

    def prepare(self, context: Context, tally: Tally) -> None:
        """Start with no chat."""
        self._known: set[str] = set()

    def convert(self, batch: Sequence[Row], context: Context, tally: Tally) -> None:
        """Create the chats. A chat that has several rows is created once, from the oldest."""
        chats = []
        for row in batch:
            chat = row.text("chat_id").strip()
            if not chat or len(chat) > LONGEST_ID or chat in self._known:
                tally.outcomes[gettext("stay in the earlier table: no own chat id")] += 1
                continue
            self._known.add(chat)
            tally.stored += 1
            is_for_orders = row.text("level").strip().lower() in (EVERYTHING, "")
            tally.outcomes[gettext("chat for orders") if is_for_orders else gettext("chat without messages")] += 1
            chats.append(
                TelegramChat(
                    id=row.id,
                    chat_id=chat,
                    title=row.text("first_name", "username")[:255],
                    is_active=row.flag("is_active", default=True),
                    wants_new_orders=is_for_orders,
                    wants_status_changes=is_for_orders,
                )
            )
        if context.is_applied:
            TelegramChat.objects.bulk_create(chats)
