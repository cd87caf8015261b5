"""Do an action on one order of a bulk action, and return the result for this order."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import BulkResult, BulkRun, Courier, Order, Reason, Source, Status
from orders.rules.next_step import EVERYTHING, STAGES, StepKind, next_step, rights_of, situation_of
from orders.rules.staff_actions import may_assign, may_change_status, may_make
from orders.services import assignment
from orders.services.changes import change_status
from orders.services.locking import lock_order
from orders.services.making import take_order
from orders.services.outbound.reconciliation import send_again
from orders.services.steps import do_step, other_step

logger = logging.getLogger(__name__)

Action = BulkRun.Action
Outcome = BulkResult.Outcome


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one order. `before` is the key of the order's florist or courier before the change."""

    outcome: Outcome
    reason: str = ""
    before: str = ""


@dataclass(frozen=True)
class Task:
    """An action with its parameters, its actor, and the id that all its changes of statuses have in common.

    The parameters are `status` and `comment` for a status, `kinds` for a step, `florist` or `courier` (a primary key,
    or None for no one) for an assignment, and none for the other actions.
    """

    action: str
    parameters: Mapping[str, Any]
    actor: User
    batch_id: UUID

    @cached_property
    def statuses(self) -> Mapping[str, Status]:
        """Return the statuses by their codes."""
        return {status.code: status for status in Status.objects.all()}

    @cached_property
    def florist(self) -> User | None:
        """Return the florist of the parameters. Raise `NotAllowedError` if the user was deleted."""
        return find_florist(self.parameters["florist"])

    @cached_property
    def courier(self) -> Courier | None:
        """Return the courier of the parameters. Raise `NotAllowedError` if the courier was deleted."""
        return find_courier(self.parameters["courier"])


def carry_out(task: Task, order_id: UUID) -> Result:
    """Do the action on one order in one transaction. Return the result; an order that can't be changed is refused.

    Raise `OperationalError` or `InterfaceError` if the database does not answer.
    """
    return attempt(lambda: _ACTS[task.action](task, lock_order(order_id)))


def attempt(act: Callable[[], Result]) -> Result:
    """Call the function in a transaction. Return its result, or why the order was refused."""
    try:
        with transaction.atomic():
            return act()
    except NotAllowedError as refusal:
        return Result(Outcome.REFUSED, str(refusal))
    except Order.DoesNotExist:
        return Result(Outcome.REFUSED, gettext("There is no such order."))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        # A fault with one order must not keep the other orders from being changed.
        logger.exception("a bulk action failed for one order")
        return Result(
            Outcome.REFUSED, gettext("An error in the CRM itself: %(error)s") % {"error": type(error).__name__}
        )


def may_carry_out(action: str, user: User) -> bool:
    """Return whether the user may do this action."""
    if action == Action.TAKE:
        return user.is_active and user.is_staff and may_make(user)
    is_assignment = action in (Action.FLORIST, Action.COURIER, Action.NOTIFIED)
    return user.is_active and user.is_staff and (may_assign(user) if is_assignment else may_change_status(user))


def find_florist(key: Any) -> User | None:
    """Return the user with this primary key, or None without a key. Raise `NotAllowedError` if there is none."""
    if not key:
        return None
    found = User.objects.filter(pk=key).first()
    if found is None:
        raise NotAllowedError(gettext("This person was deleted from the CRM."))
    return found


def find_courier(key: Any) -> Courier | None:
    """Return the courier with this primary key, or None without a key. Raise `NotAllowedError` if there is none."""
    if not key:
        return None
    found = Courier.objects.filter(pk=key).first()
    if found is None:
        raise NotAllowedError(gettext("This person was deleted from the CRM."))
    return found


def _advance(task: Task, order: Order) -> Result:
    """Do the next step of the order, if it is one of the kinds of the parameters. Without kinds, do any step.

    A step of a given kind is that of a manager. Otherwise it is the step of the user's own role.
    """
    kinds = [StepKind(kind) for kind in task.parameters.get("kinds", ())]
    if order.status.stage in {STAGES[kind] for kind in kinds}:
        return Result(Outcome.UNCHANGED)
    at = situation_of(order, task.statuses, task.actor)
    step = next_step(at, EVERYTHING if kinds else rights_of(task.actor))
    if step is None or (kinds and step.kind not in kinds):
        raise NotAllowedError(other_step(order, step))
    do_step(order, step, task.actor, task.batch_id)
    return Result(Outcome.DONE)


def _set_status(task: Task, order: Order) -> Result:
    return _change_status(task, order, task.parameters["status"])


def _change_status(task: Task, order: Order, status: str) -> Result:
    if order.status_id == status:
        return Result(Outcome.UNCHANGED)
    change_status(
        order_id=order.pk,
        status=status,
        actor=task.actor,
        source=Source.ADMIN,
        comment=task.parameters.get("comment", ""),
        batch_id=task.batch_id,
    )
    return Result(Outcome.DONE)


def _take(task: Task, order: Order) -> Result:
    is_own = order.responsible_id == task.actor.pk
    take_order(order_id=order.pk, actor=task.actor)
    return Result(Outcome.UNCHANGED if is_own else Outcome.DONE)


def _set_florist(task: Task, order: Order) -> Result:
    before = order.responsible_id
    if before == (task.florist.pk if task.florist else None):
        return Result(Outcome.UNCHANGED)
    assignment.assign_florist(order_id=order.pk, florist=task.florist, actor=task.actor)
    return Result(Outcome.DONE, before=str(before or ""))


def _set_courier(task: Task, order: Order) -> Result:
    before = order.courier_id
    if before == (task.courier.pk if task.courier else None):
        return Result(Outcome.UNCHANGED)
    assignment.assign_courier(order_id=order.pk, courier=task.courier, actor=task.actor)
    return Result(Outcome.DONE, before=str(before or ""))


def _set_notified(task: Task, order: Order) -> Result:
    if order.courier_notified_at is not None:
        return Result(Outcome.UNCHANGED)
    assignment.mark_courier_notified(order_id=order.pk, actor=task.actor)
    return Result(Outcome.DONE)


def _send_again(task: Task, order: Order) -> Result:
    is_queued = send_again(order_id=order.pk, theirs={}, actor=task.actor, reason=Reason.SENT_AGAIN)
    return Result(Outcome.DONE if is_queued else Outcome.UNCHANGED)


_ACTS: dict[str, Callable[[Task, Order], Result]] = {
    Action.ADVANCE: _advance,
    Action.STATUS: _set_status,
    Action.TAKE: _take,
    Action.FLORIST: _set_florist,
    Action.COURIER: _set_courier,
    Action.NOTIFIED: _set_notified,
    Action.RESEND: _send_again,
}
