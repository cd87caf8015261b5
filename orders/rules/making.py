"""The rules about the making of a bouquet: when it was taken and ready, and what a status says about it.

The making is a fact of the CRM and does not depend on the statuses of the site. A bouquet is taken when a florist
begins to make it, and ready when it may leave the shop. A fact with a moment and without a person was set by a status
of the site. If no one has recorded a fact, it is unknown, and is not guessed from a later stage.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from orders.models import Order, Stage, Status
from orders.rules.hold import hold_period, release_time
from orders.rules.lateness import is_open
from orders.rules.status_names import means_remake

BEFORE_READY = (Stage.ACCEPTED, Stage.MAKING, Stage.WAITING)
"""The stages of accepted orders in which only the fact shows whether the bouquet is ready."""
_TAKEN_IN = (*BEFORE_READY, Stage.PROBLEM)
LEFT_STAGES = (Stage.DELIVERING, Stage.DONE, Stage.CANCELLED)
"""The stages in which there is nothing left to make."""


@dataclass(frozen=True, slots=True)
class Making:
    """The facts of the making. The persons are primary keys of users."""

    taken_by: int | None = None
    taken_at: datetime | None = None
    ready_by: int | None = None
    ready_at: datetime | None = None

    def taken(self, by: int | None, at: datetime) -> "Making":
        """Return the facts after the bouquet was taken. The time stays if only the person was missing."""
        return replace(self, taken_by=by, taken_at=self.taken_at if self.taken_by is None and self.taken_at else at)

    def ready(self, by: int | None, at: datetime) -> "Making":
        """Return the facts after the bouquet got ready."""
        return replace(self, ready_by=by, ready_at=at)

    def not_taken(self) -> "Making":
        """Return the facts without those about the florist."""
        return replace(self, taken_by=None, taken_at=None)

    def not_ready(self) -> "Making":
        """Return the facts of a bouquet that is to be made again."""
        return replace(self, ready_by=None, ready_at=None)


def making_of(order: Order) -> Making:
    """Return the facts of an order."""
    return Making(order.taken_by_id, order.taken_at, order.ready_by_id, order.ready_at)


def leave_out_held(order: Order) -> None:
    """Clear the facts of an order that can still be undone, for a text that leaves the CRM. The order is not saved."""
    period = hold_period()
    for moment, person in (("taken_at", "taken_by"), ("ready_at", "ready_by")):
        recorded_at = getattr(order, moment)
        if recorded_at is not None and release_time(recorded_at + period) is not None and period:
            setattr(order, moment, None)
            setattr(order, person, None)


def after_status(
    making: Making, old: Status | None, new: Status, *, at: datetime, florist: int | None = None, by: int | None = None
) -> Making:
    """Return the facts after a change of the status by staff or by the site.

    A status of the stage "being made" means that the bouquet is taken and not ready, and a status of the stage "ready"
    that it is ready. `florist` is the florist of the order, and `by` the user who has set the status (None for the
    site). Later stages say nothing: an order may be delivered although no one has recorded its making. An order that
    goes back from "ready" to an earlier stage is not ready.

    | new stage                   | taken                        | ready                   |
    |-----------------------------|------------------------------|-------------------------|
    | being made                  | set, unless it is set        | cleared                 |
    | being made again, by a name | stays                        | cleared                 |
    | ready                       | stays                        | set, unless it is set   |
    | new, accepted               | stays                        | cleared, if it was from |
    |                             |                              | a status "ready"        |
    | any other                   | stays                        | stays                   |
    """
    if new.stage == Stage.MAKING:
        if making.taken_at is None and not means_remake(new.name):
            making = making.taken(florist, at)
        return making.not_ready()
    if new.stage == Stage.READY and making.ready_at is None:
        return making.ready(by, at)
    if new.stage in (Stage.NEW, Stage.ACCEPTED) and old is not None and old.stage == Stage.READY:
        return making.not_ready()
    return making


def after_florist(making: Making, florist: int | None) -> Making:
    """Return the facts after the order was given to another florist (None: to no one).

    A bouquet that is not ready is no longer taken. The facts of a bouquet that is ready stay.
    """
    if making.ready_at is None and making.taken_by != florist:
        return making.not_taken()
    return making


def is_ready(order: Order) -> bool:
    """Return whether the bouquet is ready, by the fact or by the status."""
    return order.ready_at is not None or order.status.stage == Stage.READY


def may_be_taken(order: Order) -> bool:
    """Return whether any florist may take the order: it is open, has no florist, and its bouquet is not ready."""
    return order.responsible_id is None and is_open(order) and not is_ready(order) and order.status.stage in _TAKEN_IN


def work_stage(order: Order) -> str:
    """Return the stage of the work by the facts. `orders.selectors.presets.Moment.is_ready` has the same rule.

    Only an accepted order advances by its facts: an order that is new must still be accepted.
    """
    stage = order.status.stage
    if stage in BEFORE_READY and order.ready_at is not None:
        return Stage.READY
    if stage in (Stage.ACCEPTED, Stage.WAITING) and order.taken_at is not None:
        return Stage.MAKING
    return stage


def first_making(statuses: Iterable[Status]) -> Status | None:
    """Return the first status of these that means that a bouquet is made for the first time."""
    return next((one for one in statuses if one.stage == Stage.MAKING and not means_remake(one.name)), None)


def remaking(statuses: Iterable[Status]) -> Status | None:
    """Return the status of these that means that a bouquet is made again, or else one that it is being made."""
    made = [one for one in statuses if one.stage == Stage.MAKING]
    return next((one for one in made if means_remake(one.name)), made[0] if made else None)
