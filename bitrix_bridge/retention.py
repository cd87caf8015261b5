"""How long the inbox keeps what is done with. The timeline of an order says for ever what each event has changed."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from bitrix_bridge.models import WebhookEvent
from cvety_crm.housekeeping import delete_in_batches


def prune_inbox() -> int:
    """Delete events that were processed `KEEP_EVENTS_DAYS` ago; return how many. Runs once a day.

    What waits or has failed stays, and so do deletions: an order that is told of only after them must not come alive.
    """
    if settings.KEEP_EVENTS_DAYS <= 0:
        return 0
    before = timezone.now() - timedelta(days=settings.KEEP_EVENTS_DAYS)
    old = WebhookEvent.objects.filter(
        created_at__lt=before, processed_at__lt=before, state=WebhookEvent.State.PROCESSED
    ).exclude(event__iendswith=".delete")
    return delete_in_batches(old)
