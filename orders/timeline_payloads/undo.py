"""The stored values of an order before a step of the work, from which the step can be undone."""

from dataclasses import dataclass
from typing import Annotated

from orders.timeline_payloads.stored import Flag, Id, Moment, Number, Stored, Text, nested

BATCH_LOOKUP = "details__undo__batch"
"""The lookup that finds the entries of one action."""
ASSIGNMENT_LOOKUP = "details__assignment__batch"
"""The lookup that finds the entries of one assignment of orders to a courier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBefore(Stored):
    """The values of the order before a change of its status or of the facts of its making."""

    status: Text
    sync_state: Text
    completed_at: Moment = None
    held_until: Moment = None
    agreed: Text = ""
    """The last status on which both sides agreed."""
    florist: Number = None
    """The primary key of the florist, as of the persons below."""
    taken_by: Number = None
    taken_at: Moment = None
    ready_by: Number = None
    ready_at: Moment = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo(Stored):
    """The time until which a change can be undone, and the state before it."""

    batch: Id
    """An id that is the same for all changes of one action of a user."""
    until: Moment
    before: Annotated[OrderBefore | None, nested(OrderBefore)]
    has_left: Flag = False
    """Whether the status has been released, so others may know of it. The change can't be undone any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierBefore(Stored):
    """The courier of an order before it was assigned together with others, from which the assignment can be undone."""

    batch: Id
    """An id that is the same for all orders of one assignment."""
    given: Id = None
    """The primary key of the courier who got the order, None for no one. `courier` is that of the courier before."""
    courier: Id = None
    position: Number = None
    notified_at: Moment = None
