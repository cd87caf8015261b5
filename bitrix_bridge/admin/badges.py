"""How many events, pushes and differences need a person, for the sidebar. Each count reads a partial index."""

from bitrix_bridge.models import Difference, Push, WebhookEvent
from cvety_crm.outbox import State


def troubled_events() -> int:
    """Return how many events of the site are not processed."""
    return WebhookEvent.objects.exclude(state=WebhookEvent.State.PROCESSED).count()


def failed_pushes() -> int:
    """Return how many pushes have given up."""
    return Push.objects.filter(state=State.FAILED).count()


def open_differences() -> int:
    """Return how many differences from the site wait for a person."""
    return Difference.objects.filter(outcome=Difference.Outcome.PERSON).count()
