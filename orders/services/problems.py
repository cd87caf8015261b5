"""Services by which staff report and solve the problem of an order. Problems are not sent to the site."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError
from orders.models import Order, Source
from orders.services.locking import lock_order
from orders.services.timeline import write_event
from orders.services.validation import refuse_excess
from orders.timeline_payloads import Payload, ProblemReported, ProblemSolved
from orders.values.text import storable_text

LONGEST_REASON = 500  # characters


@transaction.atomic
def report_problem(*, order_id: UUID, reason: str, actor: User | None, source: Source = Source.ADMIN) -> Order:
    """Set the problem of the order. Reporting the same reason again changes nothing.

    A new reason replaces the previous reason, which the timeline still contains. Raise `Order.DoesNotExist` if there is
    no such order, and `NotAllowedError` if the reason is empty or too long.
    """
    reason = _line(reason)
    if not reason:
        raise NotAllowedError(gettext("Say what the problem is."))
    refuse_excess(reason, LONGEST_REASON)
    order = lock_order(order_id)
    if order.problem == reason:
        return order
    order.problem = reason
    _save(order, ProblemReported(problem=reason), actor, source)
    return order


@transaction.atomic
def solve_problem(*, order_id: UUID, actor: User | None, comment: str = "", source: Source = Source.ADMIN) -> Order:
    """Clear the problem of the order. An order without a problem is not changed.

    Raise `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if the comment is too long.
    """
    refuse_excess(_line(comment), LONGEST_REASON)
    order = lock_order(order_id)
    if not order.problem:
        return order
    solved = ProblemSolved(problem=order.problem, comment=_line(comment))
    order.problem = ""
    _save(order, solved, actor, source)
    return order


def _save(order: Order, payload: Payload, actor: User | None, source: Source) -> None:
    order.save(update_fields=["problem", "updated_at"])
    event = write_event(order=order, payload=payload, source=source, actor=actor)
    publish(OrderChange(order, event))


def _line(text: str) -> str:
    return " ".join(storable_text(text).split())
