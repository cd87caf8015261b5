"""Freeze selections of orders, and start, stop and resume runs over them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cvety_crm.long_runs.engine import RunEngine, State
from cvety_crm.users import User
from orders.models import BulkResult, BulkRun, Selection
from orders.services.bulk.actions import Outcome
from orders.services.bulk.undoing import CAN_BE_UNDONE

MOST_SELECTED = 10_000
"""The largest number of orders in one selection."""
KEEP_SELECTIONS = timedelta(days=1)
KEEP_RUNS = timedelta(days=90)


class BulkEngine(RunEngine[BulkRun]):
    """The engine of bulk actions. Each user has one active run. A worker resumes a run whose worker has ended."""

    model = BulkRun
    already_running_text = _("Your previous bulk action is still running: wait for its end, or stop it.")
    lease = timedelta(minutes=2)
    pick_up_within = timedelta(minutes=30)
    abandoned_state = State.STOPPED
    abandoned_text = _("No worker was running. The rest was not done: resume it if it is still needed.")

    def is_abandoned(self, run: BulkRun) -> bool:
        """Return whether no worker has worked on the run for so long that staff no longer expect its changes."""
        if run.lease_until is None:
            return run.updated_at <= timezone.now() - self.pick_up_within
        return super().is_abandoned(run)

    # Only services may write the table, so what the admin calls is defined here.

    def stop(self, run: BulkRun) -> bool:
        """Stop a run without undoing its work. Return False if the run is not active."""
        return super().stop(run)

    def resume(self, run: BulkRun, *, is_claimed: bool, by: Any = None, **columns: Any) -> bool:
        """Resume a run. Return False if the run cannot be resumed. Raise `AlreadyRunningError` as the base class."""
        return super().resume(run, is_claimed=is_claimed, by=by, **columns)


bulk_runs = BulkEngine()


def freeze(keys: Sequence[UUID], user: User) -> Selection:
    """Save the orders that the user has selected. Later changes of the list do not change the selection."""
    return Selection.objects.create(user=user, keys=list(keys))


@transaction.atomic
def start(*, action: str, parameters: Mapping[str, Any], keys: Iterable[UUID], actor: User) -> BulkRun:
    """Start a run over these orders, in this sequence. The caller queues its first slice (`slices.slice_task`).

    Raise `AlreadyRunningError` if another run of this user is active.
    """
    return _start(keys, action=action, parameters=dict(parameters), started_by=actor)


@transaction.atomic
def start_undo(run: BulkRun, *, actor: User) -> BulkRun:
    """Start a run that undoes the changes of another run, the last one first.

    Raise `AlreadyRunningError` if another run of this user is active.
    """
    done = run.results.filter(outcome=Outcome.DONE).order_by("-position").values_list("order", flat=True)
    return _start(list(done), action=run.action, parameters={}, undoes=run, is_undo=True, started_by=actor)


def count_undoable(run: BulkRun) -> int:
    """Return how many orders of an ended run may still be undone, or 0 if the run can't be undone."""
    if run.is_undo or run.state == State.RUNNING or run.action not in CAN_BE_UNDONE:
        return 0
    return run.results.filter(outcome=Outcome.DONE).count()


def _start(keys: Iterable[UUID], **columns: Any) -> BulkRun:
    chosen = list(keys)
    run = bulk_runs.start(is_claimed=False, expected=len(chosen), **columns)
    rows = [BulkResult(run=run, order_id=key, position=position) for position, key in enumerate(chosen, 1)]
    BulkResult.objects.bulk_create(rows, batch_size=1000)
    return run
