"""Having a worker look at entries at the right moment: the tasks of django-q behind the rows.

A nudge that is lost loses nothing, since the sweep comes each minute. django-q's own scheduler looks about every 30 s,
which is too coarse for an entry that is due in ten.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.tasks import async_task

if TYPE_CHECKING:
    from cvety_crm.outbox.entries import OutboxEntry


class _Later(ORM):
    """django-q's queue in the database, for a task that is to wait: it occupies no worker meanwhile.

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


def nudge(*entries: "OutboxEntry") -> None:
    """Have a worker deliver the entries, all of one kind and due at one time, when they are due.

    At the earliest, as soon as the current transaction has committed.
    """
    label, keys, due_at = entries[0]._meta.label, [str(entry.pk) for entry in entries], entries[0].due_at

    def enqueue() -> None:
        later = {"broker": _Later(due_at)} if due_at > timezone.now() else {}
        async_task("cvety_crm.outbox.deliver_task", label, *keys, **later)

    # robust: a failing nudge must not turn a committed change into an error; the sweep comes anyway.
    transaction.on_commit(enqueue, robust=True)
