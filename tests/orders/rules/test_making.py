"""Tests of the facts of the making: what a status says about them, and the stage of the work."""

from datetime import UTC, datetime

import pytest

from orders.models import Order, Stage, Status
from orders.rules.making import Making, after_florist, after_status, work_stage
from orders.rules.status_names import means_remake, suits

THEN, NOW = datetime(2026, 3, 8, 9, tzinfo=UTC), datetime(2026, 3, 8, 10, tzinfo=UTC)
NOTHING = Making()
TAKEN = Making(taken_by=1, taken_at=THEN)
READY = Making(taken_by=1, taken_at=THEN, ready_by=1, ready_at=THEN)


def status(stage, name=""):
    return Status(code=str(stage), stage=stage, name=name)


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (NOTHING, Stage.ACCEPTED, Stage.MAKING, Making(taken_by=7, taken_at=NOW)),
        (TAKEN, Stage.ACCEPTED, Stage.MAKING, TAKEN),
        (READY, Stage.READY, Stage.MAKING, TAKEN),
        (NOTHING, Stage.MAKING, Stage.READY, Making(ready_by=8, ready_at=NOW)),
        (READY, Stage.MAKING, Stage.READY, READY),
        (READY, Stage.READY, Stage.READY, READY),
        (READY, Stage.READY, Stage.ACCEPTED, TAKEN),
        (READY, Stage.READY, Stage.NEW, TAKEN),
        (READY, Stage.MAKING, Stage.ACCEPTED, READY),
        (READY, Stage.DELIVERING, Stage.ACCEPTED, READY),
        (READY, Stage.READY, Stage.PROBLEM, READY),
        (READY, Stage.READY, Stage.WAITING, READY),
        # A later stage does not say who has made the bouquet, and when.
        (NOTHING, Stage.ACCEPTED, Stage.DELIVERING, NOTHING),
        (NOTHING, Stage.ACCEPTED, Stage.DONE, NOTHING),
        (TAKEN, Stage.MAKING, Stage.DELIVERING, TAKEN),
        (READY, Stage.READY, Stage.CANCELLED, READY),
    ],
)
def test_status_sets_and_clears_the_facts(before, old, new, after):
    assert after_status(before, status(old), status(new), at=NOW, florist=7, by=8) == after


def test_status_of_a_remake_clears_ready_and_takes_nothing():
    again = status(Stage.MAKING, "Пересобрать")
    assert after_status(READY, status(Stage.READY), again, at=NOW) == TAKEN
    assert after_status(NOTHING, status(Stage.READY), again, at=NOW) == NOTHING


def test_another_florist_clears_taken_until_the_bouquet_is_ready():
    assert after_florist(TAKEN, 2) == NOTHING
    assert after_florist(TAKEN, None) == NOTHING
    assert after_florist(TAKEN, 1) == TAKEN
    assert after_florist(READY, 2) == READY


def test_person_may_be_added_to_a_fact_that_a_status_has_set():
    by_site = Making(taken_at=THEN)
    assert by_site.taken(1, NOW) == TAKEN
    assert TAKEN.taken(2, NOW) == Making(taken_by=2, taken_at=NOW)


@pytest.mark.parametrize(
    ("stage", "facts", "expected"),
    [
        (Stage.NEW, {"taken_at": NOW, "ready_at": NOW}, Stage.NEW),
        (Stage.ACCEPTED, {}, Stage.ACCEPTED),
        (Stage.ACCEPTED, {"taken_at": NOW}, Stage.MAKING),
        (Stage.WAITING, {"taken_at": NOW}, Stage.MAKING),
        (Stage.ACCEPTED, {"ready_at": NOW}, Stage.READY),
        (Stage.MAKING, {"taken_at": NOW, "ready_at": NOW}, Stage.READY),
        (Stage.READY, {}, Stage.READY),
        (Stage.DELIVERING, {"ready_at": NOW}, Stage.DELIVERING),
        (Stage.PROBLEM, {"ready_at": NOW}, Stage.PROBLEM),
    ],
)
def test_stage_of_the_work_follows_the_facts(stage, facts, expected):
    assert work_stage(Order(status=status(stage), **facts)) == expected


@pytest.mark.parametrize(
    ("name", "remake", "for_pickup", "for_delivery"),
    [
        ("Пересобрать", True, True, True),
        ("Переделать букет", True, True, True),
        ("В обработке", False, True, True),
        ("Собран", False, True, True),
        ("Готов к доставке", False, False, True),
        ("Передан курьеру", False, False, True),
        ("Готов к выдаче", False, True, False),
        ("Ожидает самовывоза", False, True, False),
        ("К выдаче или доставке", False, True, True),
        ("Доставляется", False, True, True),
        ("", False, True, True),
    ],
)
def test_names_of_statuses_about_remakes_and_ways_of_delivery(name, remake, for_pickup, for_delivery):
    assert (means_remake(name), suits(name, is_pickup=True), suits(name, is_pickup=False)) == (
        remake,
        for_pickup,
        for_delivery,
    )
