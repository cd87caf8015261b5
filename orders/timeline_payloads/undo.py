"""The stored values of an order before a status change, from which the change can be undone."""

from dataclasses import dataclass
from typing import Annotated

from orders.timeline_payloads.stored import Flag, Id, Moment, Stored, Text, nested

BATCH_LOOKUP = "details__undo__batch"
"""The lookup that finds the entries of one action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBefore(Stored):
    """The values of the order before a status change."""

    status: Text
    sync_state: Text
    completed_at: Moment = None
    held_until: Moment = None
    agreed: Text = ""
    """The last status on which both sides agreed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo(Stored):
    """The time until which a status change can be undone, and the state before it."""

    batch: Id
    """An id that is the same for all changes of one action of a user."""
    until: Moment
    before: Annotated[OrderBefore | None, nested(OrderBefore)]
    has_left: Flag = False
    """Whether the status has been released, so others may know of it. The change can't be undone any more."""
