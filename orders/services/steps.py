"""The service that does the next step of an order (`orders.rules.next_step`)."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import Order, Source
from orders.rules.lateness import is_open
from orders.rules.next_step import Step, StepKind
from orders.services.changes import change_status
from orders.services.making import mark_ready, mark_taken, take_order

_FACTS: dict[StepKind, Callable[..., Order]] = {
    StepKind.TAKE: take_order,
    StepKind.BEGUN: mark_taken,
    StepKind.READY: mark_ready,
}


def do_step(order: Order, step: Step, user: User, batch_id: UUID, source: Source = Source.ADMIN) -> Order:
    """Do the step of an order, and return the order.

    `batch_id` is the same for all steps of one action. Raise `NotAllowedError` if the step is not possible any more, or
    if it needs a choice, such as that of a courier.
    """
    act = _FACTS.get(step.kind)
    if act is None:
        if step.status is None:
            raise NotAllowedError(gettext("This step needs a choice: %(step)s.") % {"step": step.label})
        act = partial(change_status, status=step.status.code, seen=order.status_id)
    return act(order_id=order.pk, actor=user, batch_id=batch_id, source=source)


def other_step(order: Order, step: Step | None) -> str:
    """Return the message why an order can't do a wanted step: it must do another one first, or has none."""
    if step is not None:
        return gettext("First: “%(step)s”.") % {"step": step.label}
    if not is_open(order):
        return gettext("Nothing follows the status “%(status)s”.") % {"status": order.status.name}
    return gettext("There is no usual step after “%(status)s” now: choose the status yourself.") % {
        "status": order.status.name
    }
