"""Counts of messages for the sidebar, read from a partial index."""

from cvety_crm.outbox import State
from notifications.models import TelegramMessage


def failed_messages() -> int:
    """Return the number of messages that failed and are not retried any more."""
    return TelegramMessage.objects.filter(state=State.FAILED).count()
