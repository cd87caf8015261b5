"""How long the inbox and the imports keep what is done with.

The timeline of an order says for ever what each event, and an import, has changed.
"""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from bitrix_bridge.models import ImportRow, ImportRun, WebhookEvent
from cvety_crm.ops.retention import delete_in_batches


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


def prune_import_rows() -> int:
    """Delete what became of the orders of runs that ended `KEEP_EVENTS_DAYS` ago; return how many. Runs once a day.

    The failed ones stay, for they can be repeated, and so does the run: its counts and its reasons, grouped.
    """
    if settings.KEEP_EVENTS_DAYS <= 0:
        return 0
    before = timezone.now() - timedelta(days=settings.KEEP_EVENTS_DAYS)
    over = ImportRun.objects.filter(finished_at__lt=before).exclude(state=ImportRun.State.RUNNING)
    rows = ImportRow.objects.filter(run__in=list(over.values_list("pk", flat=True)))
    return delete_in_batches(rows.exclude(outcome=ImportRow.Outcome.FAILED))
