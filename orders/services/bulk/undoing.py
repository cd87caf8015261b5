"""Undo what a bulk action has done to one order."""

from collections.abc import Callable
from uuid import UUID

from django.utils.translation import gettext

from orders.exceptions import NotAllowedError
from orders.models import BulkResult, BulkRun, Order, Source
from orders.services import assignment
from orders.services.bulk.actions import Action, Outcome, Result, Task, attempt, find_courier, find_florist
from orders.services.changes import change_status
from orders.services.locking import lock_order
from orders.services.undo import undo_status

CAN_BE_UNDONE = frozenset(set(Action) - {Action.RESEND})
"""The actions that can be undone. What was sent to the site can't be called back."""


def undo_one(task: Task, order_id: UUID) -> Result:
    """Undo the change that the run `task.batch_id` has made to this order, in one transaction. Return the result.

    A status that was not sent yet is undone without a trace. A status that was sent is set back by a new change, if the
    rules of statuses allow that. An order that someone else has changed since is refused.
    """

    def act() -> Result:
        order = lock_order(order_id)
        done = BulkResult.objects.select_related("run").filter(
            run=task.batch_id, order=order_id, outcome=Outcome.DONE
        ).first()  # fmt: skip
        if done is None:
            return Result(Outcome.UNCHANGED)
        result = _ACTS[done.run.action](task, order, done)
        done.outcome = Outcome.UNDONE
        done.save(update_fields=["outcome", "updated_at"])
        return result

    return attempt(act)


def _status(task: Task, order: Order, done: BulkResult) -> Result:
    newest = order.events.filter(changes__contains=[{"field": "status"}]).first()
    # The result was saved right after the entry, in the same transaction, and by the same clock.
    if newest is None or done.changed_at is None or newest.created_at > done.changed_at:
        raise NotAllowedError(gettext("The status has been changed again since."))
    try:
        undo_status(order_id=order.pk, event_id=newest.pk, actor=task.actor)
    except NotAllowedError:
        change = next(change for change in newest.changes if change["field"] == "status")
        if order.status_id != change["new"]:
            raise
        change_status(order_id=order.pk, status=change["old"], actor=task.actor, source=Source.ADMIN)
    return Result(Outcome.DONE)


def _florist(task: Task, order: Order, done: BulkResult) -> Result:
    run = done.run
    given = run.started_by_id if run.action == Action.TAKE else run.parameters["florist"]
    assignment.assign_florist(
        order_id=order.pk, florist=find_florist(done.before), actor=task.actor, seen=int(given) if given else None
    )
    return Result(Outcome.DONE)


def _courier(task: Task, order: Order, done: BulkResult) -> Result:
    given = done.run.parameters["courier"]
    assignment.assign_courier(
        order_id=order.pk, courier=find_courier(done.before), actor=task.actor, seen=UUID(given) if given else None
    )
    return Result(Outcome.DONE)


def _notified(task: Task, order: Order, _done: BulkResult) -> Result:
    assignment.unmark_courier_notified(order_id=order.pk, actor=task.actor)
    return Result(Outcome.DONE)


_ACTS: dict[str, Callable[[Task, Order, BulkResult], Result]] = {
    BulkRun.Action.ADVANCE: _status,
    BulkRun.Action.STATUS: _status,
    BulkRun.Action.TAKE: _florist,
    BulkRun.Action.FLORIST: _florist,
    BulkRun.Action.COURIER: _courier,
    BulkRun.Action.NOTIFIED: _notified,
}
