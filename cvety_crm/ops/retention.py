"""Delete old log rows, results and sessions once a day, the oldest first."""

import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_q.models import Task

from cvety_crm.models import Session
from cvety_crm.outbox import State, outbox_models

TASK_RETENTION = timedelta(days=7)
BATCH = 500
"""The number of rows deleted in one transaction, so that other transactions do not wait long for a lock."""
SECONDS = 20.0
"""The number of seconds for which one table is pruned.

The daily task has other jobs and a time limit. The remaining rows are deleted the next day.
"""


def prune() -> None:
    """Delete old results of django-q, which does not delete failures itself, and expired sessions."""
    now = timezone.now()
    Task.objects.filter(stopped__lt=now - TASK_RETENTION).delete()
    Session.objects.filter(expire_date__lt=now).delete()


def prune_outbox() -> int:
    """Delete entries that were delivered or cancelled `KEEP_SENT_DAYS` ago, with their attempts.

    Return the number of deleted entries. Pending and failed entries are not deleted, because they are not finished.
    """
    if settings.KEEP_SENT_DAYS <= 0:
        return 0
    before = timezone.now() - timedelta(days=settings.KEEP_SENT_DAYS)
    return sum(
        delete_in_batches(
            # The filter on created_at uses an index. The filter on finished_at excludes entries that were retried by
            # hand recently.
            model._default_manager.filter(
                created_at__lt=before, finished_at__lt=before, state__in=(State.DELIVERED, State.CANCELLED)
            )
        )
        for model in outbox_models()
    )


def delete_in_batches(rows: QuerySet[Any]) -> int:
    """Delete the rows, oldest first by `created_at`, for at most `SECONDS`. Return the number of deleted rows.

    A row that is locked by another transaction is not deleted before the next run.
    """
    until, deleted = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        with transaction.atomic():
            locked = rows.select_for_update(skip_locked=True, of=("self",)).order_by("created_at")
            ids = list(locked.values_list("pk", flat=True)[:BATCH])
            rows.model._default_manager.filter(pk__in=ids).delete()
        deleted += len(ids)
        if len(ids) < BATCH:
            break
    return deleted
