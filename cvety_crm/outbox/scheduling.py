"""Tasks of django-q that deliver entries when they are due.

A lost task loses nothing, because the sweep runs each minute. django-q's own scheduler looks about every 30 seconds,
which is too coarse for an entry that is due in ten.
"""

from datetime import datetime
from typing import Any, ClassVar, Protocol

from django.db import transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.tasks import async_task


class Entry(Protocol):
    """A row of the outbox, as far as its task needs it."""

    _meta: ClassVar[Any]
    pk: Any
    due_at: datetime


class _Later(ORM):
    """django-q's queue in the database, for a task that must not start yet and must not occupy a worker.

    A worker takes a row whose `lock` is in the past (`django_q.brokers.orm.ORM.dequeue`); it writes one in the future
    itself for a task that it has taken.
    """

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at

    def enqueue(self, task: str) -> int:
        """Insert the task; return its row's key."""
        row = self.get_connection().create(key=self.list_key or Conf.CLUSTER_NAME, payload=task, lock=self._at)
        return int(row.pk)


def schedule_delivery(*entries: Entry) -> None:
    """Queue a task that delivers the entries when they are due, at the earliest after the current transaction.

    All entries must be of one kind and due at the same time.
    """
    label, keys, due_at = entries[0]._meta.label, [str(entry.pk) for entry in entries], entries[0].due_at

    def enqueue() -> None:
        later = {"broker": _Later(due_at)} if due_at > timezone.now() else {}
        async_task("cvety_crm.outbox.deliver_task", label, *keys, **later)

    # robust: a failure to queue must not turn a committed change into an error; the sweep delivers anyway.
    transaction.on_commit(enqueue, robust=True)
