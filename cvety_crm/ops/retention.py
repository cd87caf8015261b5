"""Log-like rows that nobody will read any more: deleted once a day, the oldest first."""

import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_q.models import Task

from cvety_crm.outbox import State, outbox_models

KEEP_TASKS = timedelta(days=7)
BATCH = 500
"""Rows of one transaction, so that nobody waits long for a lock."""
SECONDS = 20.0
"""How long one table is pruned: the clock's task has other jobs, and a limit. What is left goes the next day."""


def prune() -> None:
    """Delete old results of django-q, which never prunes its failures, and sessions that have ended."""
    now = timezone.now()
    Task.objects.filter(stopped__lt=now - KEEP_TASKS).delete()
    Session.objects.filter(expire_date__lt=now).delete()


def prune_outbox() -> int:
    """Delete what was delivered or given up by staff `KEEP_SENT_DAYS` ago, with its attempts; return how many rows.

    What waits or has failed is never touched: somebody is still to do something about it.
    """
    if settings.KEEP_SENT_DAYS <= 0:
        return 0
    before = timezone.now() - timedelta(days=settings.KEEP_SENT_DAYS)
    return sum(
        delete_in_batches(
            # By the index on created_at; one that was repeated by hand since has finished later.
            model._default_manager.filter(
                created_at__lt=before, finished_at__lt=before, state__in=(State.DELIVERED, State.CANCELLED)
            )
        )
        for model in outbox_models()
    )


def delete_in_batches(rows: QuerySet[Any]) -> int:
    """Delete the rows, oldest first by `created_at`, for `SECONDS` at most; return how many.

    A row that somebody holds is left for the next time.
    """
    until, deleted = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        with transaction.atomic():
            locked = rows.select_for_update(skip_locked=True, of=("self",)).order_by("created_at")
            keys = list(locked.values_list("pk", flat=True)[:BATCH])
            rows.model._default_manager.filter(pk__in=keys).delete()
        deleted += len(keys)
        if len(keys) < BATCH:
            break
    return deleted
