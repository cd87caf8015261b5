"""Queue the django-q tasks that deliver entries when they are due.

If a task is lost, the sweep that runs each minute delivers the entry. django-q's own scheduler runs only about every 30
seconds, which is too late for an entry that is due in ten seconds.
"""

from datetime import datetime
from typing import Any, ClassVar, Protocol

from django.db import transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.tasks import async_task


class Entry(Protocol):
    """The attributes of an outbox row that its task needs."""

    _meta: ClassVar[Any]
    pk: Any
    due_at: datetime


class _DelayedBroker(ORM):
    """django-q's database queue for a task that starts later and does not occupy a worker until then.

    A worker claims only rows whose `lock` is in the past (`django_q.brokers.orm.ORM.dequeue`). It sets `lock` to a time
    in the future for a task that it has claimed.
    """

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at

    def enqueue(self, task: str) -> int:
        """Insert the task. Return the primary key of its row."""
        row = self.get_connection().create(key=self.list_key or Conf.CLUSTER_NAME, payload=task, lock=self._at)
        return int(row.pk)


def schedule_delivery(*entries: Entry) -> None:
    """Queue a task that delivers the entries when they are due, but not before the current transaction commits.

    All entries must be of the same model and due at the same time.
    """
    label, ids, due_at = entries[0]._meta.label, [str(entry.pk) for entry in entries], entries[0].due_at

    # If the task is not queued, the sweep delivers the entry.
    schedule_task("cvety_crm.outbox.deliver_task", label, *ids, at=due_at)


def schedule_task(path: str, *args: str, at: datetime) -> None:
    """Queue a task that starts at a time, but not before the current transaction commits. The task may be lost."""

    def enqueue() -> None:
        options = {"broker": _DelayedBroker(at)} if at > timezone.now() else {}
        async_task(path, *args, **options)

    # robust=True: a committed change must not end in an error if the task is not queued.
    transaction.on_commit(enqueue, robust=True)
