"""How many messages need a person, for the sidebar. The count reads a partial index."""

from cvety_crm.outbox import State
from notifications.models import TelegramMessage


def failed_messages() -> int:
    """Return how many messages have given up."""
    return TelegramMessage.objects.filter(state=State.FAILED).count()
