"""The models of Telegram chats and Telegram messages."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cvety_crm.outbox import DeliveryAttempt, OutboxEntry, live_index
from cvety_crm.tables import Table
from orders.models import Order, OrderEvent


class TelegramChat(Table):
    """A chat that receives messages about orders, in addition to the chat in the settings."""

    chat_id = models.CharField(_("chat id"), max_length=64, unique=True)
    former_chat_id = models.CharField(
        _("former chat id"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("From before Telegram made the group a supergroup; the settings may still have it."),
    )
    title = models.CharField(_("title"), max_length=255, blank=True, default="")
    is_active = models.BooleanField(_("receives messages"), default=True)
    wants_new_orders = models.BooleanField(_("new orders"), default=True)
    wants_status_changes = models.BooleanField(_("status changes"), default=True)

    class Meta:
        db_table = "telegram_chats"
        ordering = ["title", "chat_id"]
        verbose_name = _("Telegram chat")
        verbose_name_plural = _("Telegram chats")

    def __str__(self) -> str:
        return self.title or self.chat_id


class TelegramMessage(OutboxEntry):
    """A message to a chat. The text of a message about an order is created from the current order, when it is sent.

    `event` is the timeline entry that stores the facts of the change itself: the user, the old status and the new
    status.
    """

    class Kind(models.TextChoices):
        NEW_ORDER = "new_order", _("new order")
        STATUS = "status", _("status change")
        PHOTO = "photo", _("answer about the photo")
        ALERT = "alert", _("alert")

    kind = models.CharField(_("about"), max_length=20, choices=Kind)
    chat_id = models.CharField(_("chat id"), max_length=64, blank=True, default="")
    order = models.ForeignKey(
        Order,
        verbose_name=_("order"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,  # the Meta class defines an index
    )
    event = models.ForeignKey(
        OrderEvent,
        verbose_name=_("timeline entry"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.CASCADE,
        related_name="+",
    )
    text = models.TextField(
        _("text"), blank=True, default="", help_text=_("As Telegram's HTML; written when the message leaves.")
    )
    presses = models.TextField(blank=True, default="", db_default="", editable=False)
    """What the buttons report that Telegram shows now (`Button.press`), separated by spaces."""
    telegram_message_id = models.BigIntegerField(_("id in Telegram"), null=True, blank=True, editable=False)

    class Meta:
        db_table = "telegram_messages"
        ordering = ["-created_at"]
        verbose_name = _("Telegram message")
        verbose_name_plural = _("Telegram messages")
        indexes = [
            live_index("telegram_messages_due"),
            models.Index(fields=["-created_at"], name="telegram_messages_created"),
            models.Index(fields=["order"], name="telegram_messages_order"),
            models.Index(fields=["state"], name="telegram_messages_failed", condition=Q(state="failed")),
        ]

    def __str__(self) -> str:
        about = self.get_kind_display()
        return f"{about} № {self.order.order_number}" if self.order else about

    def raises_alerts(self) -> bool:
        """Return False: a failed message must not create an alert, because an alert is also a Telegram message."""
        return False


class TelegramMessageAttempt(DeliveryAttempt):
    """One attempt to deliver a message."""

    entry = models.ForeignKey(TelegramMessage, on_delete=models.CASCADE, related_name="attempt_log")

    class Meta(DeliveryAttempt.Meta):
        db_table = "telegram_message_attempts"
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [models.UniqueConstraint(fields=["entry", "number"], name="telegram_attempts_number")]


class TelegramEdit(OutboxEntry):
    """The replacement of the text and the buttons of a message that was sent, because its order has changed since.

    Both are created from the order when the edit is delivered, so one pending edit stands for several changes.
    """

    message = models.ForeignKey(
        TelegramMessage, verbose_name=_("message"), on_delete=models.CASCADE, related_name="edits", editable=False
    )

    class Meta:
        db_table = "telegram_edits"
        ordering = ["-created_at"]
        verbose_name = _("edit of a Telegram message")
        verbose_name_plural = _("edits of Telegram messages")
        default_permissions = ()
        indexes = [live_index("telegram_edits_due")]

    def __str__(self) -> str:
        return str(self.message)

    def raises_alerts(self) -> bool:
        """Return False: a button that is outdated says so when it is pressed."""
        return False


class TelegramEditAttempt(DeliveryAttempt):
    """One attempt to deliver an edit."""

    entry = models.ForeignKey(TelegramEdit, on_delete=models.CASCADE, related_name="attempt_log")

    class Meta(DeliveryAttempt.Meta):
        db_table = "telegram_edit_attempts"
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["entry", "number"], name="telegram_edit_attempts_number")]
