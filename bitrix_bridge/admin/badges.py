"""Count the events, pushes and differences that staff must handle, for the sidebar. Each count uses a partial index."""

from bitrix_bridge.models import Difference, Push, WebhookEvent
from cvety_crm.outbox import State


def unprocessed_events() -> int:
    """Return the number of events that have failed or are waiting to be processed again."""
    return WebhookEvent.objects.exclude(state=WebhookEvent.State.PROCESSED).count()


def failed_pushes() -> int:
    """Return the number of pushes that have failed and are not retried."""
    return Push.objects.filter(state=State.FAILED).count()


def open_differences() -> int:
    """Return the number of differences that staff must resolve."""
    return Difference.objects.filter(outcome=Difference.Outcome.PERSON).count()
