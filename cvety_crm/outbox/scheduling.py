"""Queue the django-q tasks that deliver entries when they are due.

If a task is lost, the sweep that runs each minute delivers the entry. django-q's own scheduler runs only about every 30
seconds, which is too late for an entry that is due in ten seconds.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Protocol

from django.db import transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task

from cvety_crm.bulk_writes import Writes


class Entry(Protocol):
    """The attributes of an outbox row that its task needs."""

    _meta: ClassVar[Any]
    pk: Any
    due_at: datetime


class _Broker(ORM):
    """django-q's database queue, with a task that starts later and does not occupy a worker until then.

    A worker claims only rows whose `lock` is in the past (`django_q.brokers.orm.ORM.dequeue`). It sets `lock` to a time
    in the future for a task that it has claimed.
    """

    def __init__(self, at: datetime, writes: Writes) -> None:
        super().__init__()
        self._at, self._writes = at, writes

    def enqueue(self, task: str) -> int:
        """Add the row of the task to the writes. Return 0, because its primary key is not known yet."""
        self._writes.insert(OrmQ(key=self.list_key or Conf.CLUSTER_NAME, payload=task, lock=self._at))
        return 0


def schedule_delivery(*entries: Entry, writes: Writes | None = None) -> None:
    """Queue a task that delivers the entries when they are due, but not before the current transaction commits.

    All entries must be of the same model and due at the same time. `writes` is that of `schedule_task`.
    """
    label, ids, due_at = entries[0]._meta.label, [str(entry.pk) for entry in entries], entries[0].due_at

    # If the task is lost, the sweep delivers the entry.
    schedule_task("cvety_crm.outbox.deliver_task", label, *ids, at=due_at, writes=writes)


def schedule_task(path: str, *args: str, at: datetime, writes: Writes | None = None) -> None:
    """Queue a task that starts at a time, but not before the current transaction commits. The task may be lost.

    Its row is added to `writes`, whose caller sends them to the database, or is inserted after the commit.
    """
    if writes is not None:
        _add_task(path, args, at, writes)
        return

    def insert() -> None:
        own = Writes()
        _add_task(path, args, at, own)
        own.flush()

    # robust=True: a committed change must not end in an error if the task is not queued.
    transaction.on_commit(insert, robust=True)


def _add_task(path: str, args: Sequence[str], at: datetime, writes: Writes) -> None:
    async_task(path, *args, broker=_Broker(max(at, timezone.now()), writes))
