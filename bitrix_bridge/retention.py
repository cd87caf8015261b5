"""Delete old rows of the inbox and of the imports.

The changes made by events and imports are never deleted from the timelines of orders.
"""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from bitrix_bridge.models import ImportRow, ImportRun, WebhookEvent
from cvety_crm.ops.retention import delete_in_batches


def prune_inbox() -> int:
    """Delete events that were processed more than `KEEP_EVENTS_DAYS` days ago, and return the number of deleted events.

    This function runs once a day. Waiting and failed events are not deleted. Events that report a deletion are not
    deleted either, so that an event which arrives after the deletion does not create the order or product again.
    """
    if settings.KEEP_EVENTS_DAYS <= 0:
        return 0
    before = timezone.now() - timedelta(days=settings.KEEP_EVENTS_DAYS)
    old = WebhookEvent.objects.filter(
        created_at__lt=before, processed_at__lt=before, state=WebhookEvent.State.PROCESSED
    ).exclude(event__iendswith=".delete")
    return delete_in_batches(old)


def prune_import_rows() -> int:
    """Delete rows of import runs that ended more than `KEEP_EVENTS_DAYS` days ago, and return the number of rows.

    This function runs once a day. Failed rows are not deleted, because the orders can be imported again. The run with
    its counts and reasons is not deleted.
    """
    if settings.KEEP_EVENTS_DAYS <= 0:
        return 0
    before = timezone.now() - timedelta(days=settings.KEEP_EVENTS_DAYS)
    finished = ImportRun.objects.filter(finished_at__lt=before).exclude(state=ImportRun.State.RUNNING)
    rows = ImportRow.objects.filter(run__in=list(finished.values_list("pk", flat=True)))
    return delete_in_batches(rows.exclude(outcome=ImportRow.Outcome.FAILED))
