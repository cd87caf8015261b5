"""Sending a message by Telegram's Bot API."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext

from cvety_crm.outbox import Delivered, Misconfigured

if TYPE_CHECKING:
    from notifications.models import TelegramMessage


def send(message: "TelegramMessage") -> Delivered:
    """Deliver one message. Raises `DeliveryFailure` or `NoLongerNeeded`."""
    raise Misconfigured(gettext("Telegram is not connected yet."))
