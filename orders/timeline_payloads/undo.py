"""What a status change notes of the order as it was, so that it can be taken back."""

from dataclasses import dataclass
from typing import Annotated

from orders.timeline_payloads.stored import Flag, Id, Moment, Stored, Text, nested

BATCH_LOOKUP = "details__undo__batch"
"""The lookup that finds the entries of one action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBefore(Stored):
    """The order before the change."""

    status: Text
    sync_state: Text
    completed_at: Moment = None
    held_until: Moment = None
    agreed: Text = ""
    """The status that both sides had agreed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo(Stored):
    """Until when a status change can be taken back, and what it put in the place of."""

    batch: Id
    """Common to the changes of one action of a person."""
    until: Moment
    before: Annotated[OrderBefore | None, nested(OrderBefore)]
    has_left: Flag = False
    """Others have been notified of the status: it can't be taken back any more."""
