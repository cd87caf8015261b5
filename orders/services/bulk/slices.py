"""Work on runs of bulk actions in slices, and delete old runs."""

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.long_runs.engine import State
from cvety_crm.long_runs.slices import IsOverTime, SliceTask
from cvety_crm.ops.retention import delete_in_batches
from cvety_crm.users import User, display_name
from orders.models import BulkResult, BulkRun, Selection
from orders.services.bulk.actions import Outcome, Task, carry_out, may_carry_out
from orders.services.bulk.runs import KEEP_RUNS, KEEP_SELECTIONS, bulk_runs
from orders.services.bulk.undoing import undo_one

SLICE_SECONDS = 20.0
"""The time limit of one task, so that the worker can deliver pushes and messages in between."""
CHUNK = 25
"""The number of orders after which the rights of the user are checked again."""


def work(run: BulkRun, is_over_time: IsOverTime = lambda: False) -> timedelta | None:
    """Work on a run that this process has leased to its end, or until `is_over_time` returns True.

    Return the delay after which the work must continue, or None if the run has ended. Raise `LeaseLostError` if the
    lease is lost. Then the order that was being changed is not changed, because its transaction is rolled back.
    """
    while not is_over_time():
        actor = User.objects.filter(pk=run.started_by_id or 0).first()
        if actor is None or not may_carry_out(run.action, actor):
            bulk_runs.fail(run, gettext("%(name)s may no longer do this.") % {"name": display_name(actor) or "—"})
            return None
        waiting = run.results.filter(outcome=Outcome.WAITING).order_by("position")
        rows = list(waiting[:CHUNK])
        if not rows:
            bulk_runs.finish(run)
            return None
        task = Task(run.action, run.parameters, actor, batch_id=run.undoes_id or run.pk)
        for row in rows:
            _work_on(run, row, task)
            if is_over_time():
                break
    return timedelta(0)


@transaction.atomic
def _work_on(run: BulkRun, row: BulkResult, task: Task) -> None:
    """Change one order, and save its result in the same transaction: either both are saved or neither."""
    result = undo_one(task, row.order_id) if run.is_undo else carry_out(task, row.order_id)
    BulkResult.objects.filter(pk=row.pk).update(
        outcome=result.outcome, reason=result.reason, before=result.before, changed_at=Now(), updated_at=Now()
    )
    bulk_runs.record(run, {str(result.outcome): 1})


slice_task = SliceTask(bulk_runs, work, path="orders.services.bulk.slices.work_slice", seconds=SLICE_SECONDS)


def work_slice(run_id: str) -> None:
    """Work on a run for some seconds, then queue the next slice. This is a task of the worker."""
    slice_task.run(run_id)


def pick_up() -> bool:
    """Queue a slice of each run that no worker has. The worker calls this function each minute."""
    return slice_task.pick_up()


def prune() -> int:
    """Delete old selections and ended runs with their results. Return the number of runs. Called each day."""
    now = timezone.now()
    delete_in_batches(Selection.objects.filter(created_at__lt=now - KEEP_SELECTIONS))
    old = BulkRun.objects.filter(started_at__lt=now - KEEP_RUNS).exclude(state=State.RUNNING)
    delete_in_batches(BulkResult.objects.filter(run__in=list(old.values_list("pk", flat=True))))
    return delete_in_batches(old.exclude(results__isnull=False))
