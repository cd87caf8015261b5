"""The count of failed messages for the sidebar. The query uses a partial index."""

from cvety_crm.outbox import State
from notifications.models import TelegramMessage


def failed_messages() -> int:
    """Return the number of messages that failed and are not retried any more."""
    return TelegramMessage.objects.filter(state=State.FAILED).count()
