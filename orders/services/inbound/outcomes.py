"""What came of applying a snapshot."""

from dataclasses import dataclass
from enum import StrEnum

from orders.models import Order


class Outcome(StrEnum):
    """What a snapshot did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"


class Doubt(StrEnum):
    """Why the order has to be fetched from the site: only the site knows whether something is newer."""

    STATUS = "status"
    """The status may be old and was not applied."""
    CLOCKS = "clocks"
    """Versions and dates do not show which is newer: nothing was applied."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The order, and what the snapshot did to it."""

    order: Order
    outcome: Outcome
    doubt: Doubt | None = None
    is_first: bool = False
    """The order, or its id on the site, was not known before."""
    ends_failure: bool = False
    """What could not be sent need not be sent any more: both sides agree."""
