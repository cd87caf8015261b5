"""How many events and pushes need a person, for the sidebar. Both counts read a partial index."""

from bitrix_bridge.models import Push, WebhookEvent
from cvety_crm.outbox import State


def troubled_events() -> int:
    """Return how many events of the site are not processed."""
    return WebhookEvent.objects.exclude(state=WebhookEvent.State.PROCESSED).count()


def failed_pushes() -> int:
    """Return how many pushes have given up."""
    return Push.objects.filter(state=State.FAILED).count()
