"""The result of applying a snapshot."""

from dataclasses import dataclass
from enum import StrEnum

from orders.models import Order


class Outcome(StrEnum):
    """The effect of a snapshot on the order. A stale snapshot was not applied."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"


class Doubt(StrEnum):
    """The reason why the order must be fetched from the site: only the site knows which state is newer."""

    STATUS = "status"
    """The status may be outdated and was not applied."""
    CLOCKS = "clocks"
    """Versions and dates do not show which state is newer, so nothing was applied."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of `apply_snapshot`."""

    order: Order
    outcome: Outcome
    doubt: Doubt | None = None
    is_first: bool = False
    """Whether the order, or its id on the site, was unknown before."""
    ends_failure: bool = False
    """Whether both sides agree again after a failed push. Nothing is left to send in that case."""
    is_unsure: bool = False
    """Whether the snapshot was applied although its clocks equal the stored ones. The site then decides."""
    is_guess: bool = False
    """Whether the snapshot was applied only because it was received last and the site can't be asked."""
