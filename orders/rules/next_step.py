"""The rule that decides the next step of an order: the one thing that a user can do with one tap.

The rule is a pure function of the rights of the user and of the situation of the order. Lists, pages, boards, routes
and messages offer only this step. It never skips a step: a bouquet leaves the shop only when it is ready. To skip a
step, staff choose a status themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.users import User
from orders.models import Order, Stage, Status
from orders.rules.lateness import is_open
from orders.rules.making import BEFORE_READY, first_making, is_ready
from orders.rules.status_names import suits


class StepKind(models.TextChoices):
    """The kind of a step. The labels are those of buttons."""

    ACCEPT = "accept", pgettext_lazy("step", "Accept")
    TAKE = "take", pgettext_lazy("step", "Take it")
    BEGUN = "begun", pgettext_lazy("step", "The florist has begun")
    READY = "ready", pgettext_lazy("step", "Ready")
    COURIER = "courier", pgettext_lazy("step", "Assign a courier")
    STATUS = "status", _("Status")
    DELIVER = "deliver", pgettext_lazy("step", "Hand over for delivery")
    DELIVERED = "delivered", pgettext_lazy("step", "Delivered")
    HAND_OVER = "hand_over", pgettext_lazy("step", "Handed over")


STAGES: Mapping[StepKind, Stage] = {
    StepKind.ACCEPT: Stage.ACCEPTED,
    StepKind.TAKE: Stage.MAKING,
    StepKind.BEGUN: Stage.MAKING,
    StepKind.READY: Stage.READY,
    StepKind.COURIER: Stage.DELIVERING,
    StepKind.DELIVER: Stage.DELIVERING,
    StepKind.DELIVERED: Stage.DONE,
    StepKind.HAND_OVER: Stage.DONE,
}
"""The stage whose colour and sign the button of a step has."""
FACTS = (StepKind.TAKE, StepKind.BEGUN, StepKind.READY)
"""The steps that record a fact of the making. They set a status only if the site has one for the fact."""


class Florist(StrEnum):
    """The florist of an order, as seen by a user."""

    NO_ONE = "no one"
    USER = "user"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Rights:
    """The parts of the work that a user may do."""

    accept: bool = False
    make: bool = False
    assign: bool = False
    deliver: bool = False


EVERYTHING = Rights(accept=True, make=True, assign=True, deliver=True)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the next step of an order depends on, apart from the user's rights."""

    stage: str
    moves: Sequence[Status] = ()
    """The statuses that staff may set now and that the site has, the usual one first."""
    onward: Mapping[str, frozenset[str]] | None = None
    """The stages that a status on the way allows next, by its code."""
    is_open: bool = True
    is_taken: bool = False
    is_ready: bool = False
    is_pickup: bool = False
    has_courier: bool = False
    has_problem: bool = False
    florist: Florist = Florist.NO_ONE


@dataclass(frozen=True, slots=True)
class Step:
    """A step that a user can do with one tap."""

    kind: StepKind
    status: Status | None = None
    """The status that the step sets, if it sets one."""

    @property
    def label(self) -> str:
        """Return the label of the button."""
        if self.kind == StepKind.STATUS and self.status is not None:
            return self.status.name
        return str(self.kind.label)

    @property
    def stage(self) -> str:
        """Return the stage whose colour and sign the button has."""
        return STAGES.get(self.kind) or (self.status.stage if self.status is not None else "")


def rights_of(user: User | AnonymousUser) -> Rights:
    """Return the rights of a user. The permission to change orders includes all of them."""
    if user.has_perm("orders.change_order"):
        return EVERYTHING
    return Rights(
        make=user.has_perm("orders.make_order"),
        assign=user.has_perm("orders.assign_order"),
        deliver=user.has_perm("orders.deliver_order"),
    )


def situation_of(order: Order, statuses: Mapping[str, Status], user: User | AnonymousUser | None = None) -> Situation:
    """Return the situation of an order as seen by a user. `statuses` contains all statuses by code, in their order."""
    maker = order.taken_by_id or order.responsible_id
    florist = Florist.NO_ONE if maker is None else Florist.OTHER
    if maker is not None and user is not None and maker == user.pk:
        florist = Florist.USER
    moves = moves_from(order.status, statuses)
    return Situation(
        stage=order.status.stage,
        moves=moves,
        onward={
            move.code: frozenset(one.stage for one in moves_from(move, statuses))
            for move in moves
            if move.stage in _ON_THE_WAY
        },
        is_open=is_open(order),
        is_taken=order.taken_at is not None,
        is_ready=is_ready(order),
        is_pickup=order.is_pickup,
        has_courier=order.courier_id is not None,
        has_problem=bool(order.problem),
        florist=florist,
    )


def step_of(order: Order, statuses: Mapping[str, Status], user: User | AnonymousUser) -> Step | None:
    """Return the next step of an order for a user, or None if there is none. No query is made."""
    return next_step(situation_of(order, statuses, user), rights_of(user))


def steps_of_staff(order: Order, statuses: Mapping[str, Status]) -> list[Step]:
    """Return the next steps that members of staff can do with one tap, each kind once. No query is made.

    They are for a message that several roles read. A step that needs a choice is left out, and so is a status on the
    way, whose name says too little outside the order's page.
    """
    at = situation_of(order, statuses)
    if at.florist != Florist.NO_ONE:
        at = replace(at, florist=Florist.USER)
    found = [next_step(at, may) for may in (Rights(accept=True), Rights(make=True), Rights(deliver=True))]
    return [step for step in found if step is not None and step.kind not in (StepKind.COURIER, StepKind.STATUS)]


def next_step(at: Situation, may: Rights) -> Step | None:
    """Return the next step, or None if this user has none.

    | stage                            | facts                  | step                           | right   |
    |----------------------------------|------------------------|--------------------------------|---------|
    | new                              |                        | accept                         | accept  |
    | accepted, being made             | not taken              | take, or begun for the florist | make    |
    | accepted, being made, waiting    | taken, not ready       | ready                          | make    |
    | accepted, being made, waiting    | not ready, no courier  | assign a courier               | assign  |
    | ready by fact or status          | no courier             | assign a courier               | assign  |
    | ready by fact or status          | courier, no problem    | hand over for delivery         | deliver |
    | ready by fact or status, pickup  | no problem             | handed over                    | deliver |
    | on its way                       |                        | delivered, or handed over      | deliver |
    | problem, done, cancelled         |                        | none: staff choose a status    |         |

    A florist does not make the bouquet of another florist with one tap, unless the florist may also assign orders. An
    order with a problem does not leave the shop with one tap. If the present status does not allow the status of a
    step, the step is the status on the way there, if there is one.
    """
    if not at.is_open:
        return None
    if at.stage == Stage.NEW:
        return _to_stage(at, StepKind.ACCEPT) if may.accept else None
    if at.stage == Stage.DELIVERING:
        return _leaving(at, may, StepKind.HAND_OVER if at.is_pickup else StepKind.DELIVERED)
    if at.stage not in (*BEFORE_READY, Stage.READY):
        return None
    if not at.is_ready and (step := _making(at, may)) is not None:
        return step
    if not at.is_pickup and not at.has_courier:
        return Step(StepKind.COURIER) if may.assign else None
    if not at.is_ready or at.has_problem:
        return None
    return _leaving(at, may, StepKind.HAND_OVER if at.is_pickup else StepKind.DELIVER)


def moves_from(status: Status, statuses: Mapping[str, Status]) -> list[Status]:
    """Return the statuses that staff may set after this one and that the site has, the usual one first."""
    found = (statuses[code] for code in status.next_codes or statuses if code in statuses)
    return [one for one in found if one.code != status.code and one.bitrix_code is not None and status.allows(one.code)]


def status_of_fact(kind: StepKind, at: Situation) -> Status | None:
    """Return the status of the site for a fact of the making, or None if it has none that may be set now.

    A bouquet that is taken sets a status only in an accepted order, because other stages say more than the fact.
    """
    if kind != StepKind.READY:
        return first_making(at.moves) if at.stage == Stage.ACCEPTED else None
    if at.stage not in BEFORE_READY:
        return None
    return next((one for one in _suitable(at) if one.stage == Stage.READY), None)


_ON_THE_WAY = (Stage.READY, Stage.DELIVERING)
"""The stages of statuses that may lie between the present status and that of a step."""


def _making(at: Situation, may: Rights) -> Step | None:
    is_others = at.florist == Florist.OTHER
    if not may.make or (is_others and not may.assign):
        return None
    if at.is_taken:
        return Step(StepKind.READY, status_of_fact(StepKind.READY, at))
    if at.stage == Stage.WAITING:
        return None
    kind = StepKind.BEGUN if is_others else StepKind.TAKE
    return Step(kind, status_of_fact(kind, at))


def _leaving(at: Situation, may: Rights, kind: StepKind) -> Step | None:
    if not may.deliver:
        return None
    if (step := _to_stage(at, kind)) is not None:
        return step
    stage, onward = STAGES[kind], at.onward or {}
    middles = _ON_THE_WAY if at.stage != Stage.DELIVERING else (Stage.DELIVERING,)
    between = (
        one for middle in middles for one in _suitable(at) if one.stage == middle and stage in onward.get(one.code, ())
    )
    return next((Step(StepKind.STATUS, one) for one in between), None)


def _to_stage(at: Situation, kind: StepKind) -> Step | None:
    """Return the step with the first status of its stage, or None if the present status does not allow such a one."""
    return next((Step(kind, one) for one in _suitable(at) if one.stage == STAGES[kind]), None)


def _suitable(at: Situation) -> list[Status]:
    """Return the statuses that suit the way in which the order reaches the recipient."""
    return [one for one in at.moves if suits(one.name, is_pickup=at.is_pickup)]
