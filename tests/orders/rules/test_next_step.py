"""Tests of the decision table of the next step, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.models import Order, Stage, Status
from orders.rules.next_step import (
    EVERYTHING,
    STAGES,
    Florist,
    Rights,
    Situation,
    StepKind,
    moves_from,
    next_step,
    situation_of,
)
from orders.services.status_profiles import PROFILES, read_profile

FLORIST = Rights(make=True)
DISPATCHER = Rights(assign=True, deliver=True)
COURIER = Rights(deliver=True)
ROLES = {"manager": EVERYTHING, "florist": FLORIST, "dispatcher": DISPATCHER, "courier": COURIER}
PROFILE = {name: {status.code: status for status in read_profile(name)} for name in PROFILES}

TAKEN = {"is_taken": True, "florist": Florist.USER}
READY = {**TAKEN, "is_ready": True}
WITH_COURIER = {**READY, "has_courier": True}
OTHERS = {"florist": Florist.OTHER}
PICKUP = {"is_pickup": True}

# The profile, the status, the facts, and the step of each role with the status that it sets. A role that is not named
# has no step.
TABLE = [
    ("specification", "new", {}, {"manager": ("accept", "accepted")}),
    ("specification", "accepted", {}, {"manager": ("take", "processing"), "florist": ("take", "processing"),
                                       "dispatcher": ("courier", None)}),
    ("specification", "accepted", {"has_courier": True}, {"manager": ("take", "processing"),
                                                          "florist": ("take", "processing")}),
    ("specification", "accepted", OTHERS, {"manager": ("begun", "processing"), "dispatcher": ("courier", None)}),
    ("specification", "processing", TAKEN, {"manager": ("ready", None), "florist": ("ready", None),
                                            "dispatcher": ("courier", None)}),
    ("specification", "processing", {**TAKEN, **OTHERS}, {"manager": ("ready", None), "dispatcher": ("courier", None)}),
    ("specification", "processing", {}, {"manager": ("take", None), "florist": ("take", None),
                                         "dispatcher": ("courier", None)}),
    ("specification", "processing", READY, {"manager": ("courier", None), "dispatcher": ("courier", None)}),
    ("specification", "processing", WITH_COURIER, dict.fromkeys(("manager", "dispatcher", "courier"),
                                                                ("deliver", "delivering"))),
    ("specification", "processing", {**WITH_COURIER, "has_problem": True}, {}),
    ("specification", "processing", {**READY, **PICKUP}, dict.fromkeys(("manager", "dispatcher", "courier"),
                                                                       ("status", "delivering"))),
    ("specification", "delivering", WITH_COURIER, dict.fromkeys(("manager", "dispatcher", "courier"),
                                                                ("delivered", "completed"))),
    ("specification", "delivering", {}, dict.fromkeys(("manager", "dispatcher", "courier"),
                                                      ("delivered", "completed"))),
    ("specification", "delivering", PICKUP, dict.fromkeys(("manager", "dispatcher", "courier"),
                                                          ("hand_over", "completed"))),
    ("specification", "completed", WITH_COURIER, {}),
    ("specification", "finished", WITH_COURIER, {}),
    ("specification", "returned", WITH_COURIER, {}),
    ("specification", "accepted", {"is_open": False}, {}),
    ("measured", "new", {}, {"manager": ("accept", "confirmed")}),
    # «Пересобрать» is no status of a bouquet that is made for the first time.
    ("measured", "confirmed", {}, {"manager": ("take", None), "florist": ("take", None),
                                   "dispatcher": ("courier", None)}),
    ("measured", "confirmed", TAKEN, {"manager": ("ready", "assembled"), "florist": ("ready", "assembled"),
                                      "dispatcher": ("courier", None)}),
    ("measured", "reassemble", TAKEN, {"manager": ("ready", "assembled"), "florist": ("ready", "assembled"),
                                       "dispatcher": ("courier", None)}),
    # A tap records no payment, so an order that waits for one has no step of the making until it is taken.
    ("measured", "unpaid", {}, {"manager": ("courier", None), "dispatcher": ("courier", None)}),
    ("measured", "waiting_approval", TAKEN, {"manager": ("ready", "assembled"), "florist": ("ready", "assembled"),
                                             "dispatcher": ("courier", None)}),
    ("measured", "assembled", {"is_ready": True, "has_courier": True}, dict.fromkeys(
        ("manager", "dispatcher", "courier"), ("deliver", "in_transit"))),
    ("measured", "assembled", {**READY, **PICKUP}, dict.fromkeys(("manager", "dispatcher", "courier"),
                                                                 ("status", "ready_pickup"))),
    ("measured", "ready_pickup", {**READY, **PICKUP}, dict.fromkeys(("manager", "dispatcher", "courier"),
                                                                    ("hand_over", "completed"))),
    ("measured", "ready_delivery", READY, {"manager": ("courier", None), "dispatcher": ("courier", None)}),
    ("measured", "in_transit", {}, dict.fromkeys(("manager", "dispatcher", "courier"), ("delivered", "completed"))),
    ("measured", "problematic", WITH_COURIER, {}),
]  # fmt: skip


def at(profile: str, code: str, **facts) -> Situation:
    statuses = PROFILE[profile]
    order = Order(status=statuses[code])
    found = situation_of(order, statuses)
    values = {name: getattr(found, name) for name in Situation.__slots__}
    return Situation(**{**values, **facts})


@pytest.mark.parametrize(("profile", "code", "facts", "steps"), TABLE)
def test_next_step_follows_role_and_state(profile, code, facts, steps):
    found = {
        role: (step.kind.value, step.status.code if step.status else None)
        for role, rights in ROLES.items()
        if (step := next_step(at(profile, code, **facts), rights)) is not None
    }
    assert found == steps


def test_status_of_a_site_that_names_both_ways_suits_the_order():
    """The statuses have the order in which a site lists them, and the codes of no profile."""
    names = {"A": ("Принят", Stage.ACCEPTED), "B": ("Готов к выдаче", Stage.READY),
             "C": ("Готов к доставке", Stage.READY)}  # fmt: skip
    statuses = {
        code: Status(code=code, bitrix_codes=[code], name=name, stage=stage) for code, (name, stage) in names.items()
    }

    def ready(**facts):
        found = situation_of(Order(status=statuses["A"], **facts), statuses)
        values = {name: getattr(found, name) for name in Situation.__slots__}
        return next_step(Situation(**{**values, **TAKEN}), FLORIST)

    assert ready(is_pickup=True).status.code == "B"
    assert ready().status.code == "C"


def test_questioned_status_and_status_without_code_are_no_targets():
    statuses = dict(PROFILE["measured"])
    assembled = next(one for one in read_profile("measured") if one.code == "assembled")
    assembled.questioned_stage, assembled.stage = Stage.READY, Stage.PROBLEM
    statuses["assembled"] = assembled
    assert "assembled" not in [one.code for one in moves_from(statuses["confirmed"], statuses)]
    assembled.questioned_stage, assembled.stage, assembled.bitrix_codes = "", Stage.READY, []
    assert "assembled" not in [one.code for one in moves_from(statuses["confirmed"], statuses)]


SITUATIONS = st.builds(
    lambda place, **facts: at(*place, **facts),
    st.sampled_from([(profile, code) for profile, statuses in PROFILE.items() for code in statuses]),
    **{name: st.booleans() for name in ("is_open", "is_taken", "is_ready", "is_pickup", "has_courier", "has_problem")},
    florist=st.sampled_from(Florist),
)
RIGHTS = st.builds(Rights, accept=st.booleans(), make=st.booleans(), assign=st.booleans(), deliver=st.booleans())


@given(SITUATIONS, RIGHTS)
def test_no_tap_lets_a_bouquet_leave_that_is_not_ready(situation, rights):
    step = next_step(situation, rights)
    if step is None:
        return
    assert situation.is_open
    leaves = step.status is not None and step.status.stage in (Stage.DELIVERING, Stage.DONE)
    if leaves and situation.stage != Stage.DELIVERING:
        assert situation.is_ready
        assert not situation.has_problem
        assert situation.is_pickup or situation.has_courier
    if step.kind == StepKind.READY:
        assert situation.is_taken


@given(SITUATIONS, RIGHTS)
def test_step_sets_only_a_status_that_is_allowed_and_known_to_the_site(situation, rights):
    step = next_step(situation, rights)
    if step is not None and step.status is not None:
        assert step.status in situation.moves
        assert step.status.bitrix_code
        assert step.kind == StepKind.STATUS or step.status.stage == STAGES[step.kind]


@given(SITUATIONS)
def test_user_without_rights_has_no_step(situation):
    assert next_step(situation, Rights()) is None


@given(SITUATIONS, RIGHTS)
def test_step_of_a_role_needs_its_right(situation, rights):
    step = next_step(situation, rights)
    right = {"accept": "accept", "take": "make", "begun": "make", "ready": "make", "courier": "assign"}
    if step is not None:
        assert getattr(rights, right.get(step.kind, "deliver"))
