"""How old a snapshot is beside what is stored: the table of the clocks, and what holds for any of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.models import Order
from orders.services.inbound.freshness import Age, age_of
from orders.sync.snapshot import OrderSnapshot
from orders.sync.three_way_merge import Agreement, Answered

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)
NEWS, OLD, UNCLEAR = Age.NEWS, Age.OLD, Age.UNCLEAR


def at(seconds):
    return None if seconds is None else NOON + timedelta(seconds=seconds)


def known(version=5, date=0, own_time=None, received_version=..., heard_date=None):
    """Return an order as it is stored; the whole of its version is known unless something else is said."""
    heard = version if received_version is ... else received_version
    agreement = Agreement(received_version=heard, received_updated_at=at(heard_date), announced_at=at(own_time))
    return Order(bitrix_version=version, bitrix_updated_at=at(date), bitrix_state=agreement.as_json())


def told(version=5, date=0, own_time=None, *, is_partial=False):
    return OrderSnapshot(
        bitrix_order_id=1, version=version, updated_at=at(date), announced_at=at(own_time), is_partial=is_partial
    )


@pytest.mark.parametrize(
    ("version", "date", "age"),
    [
        (6, 1, NEWS),
        (6, 0, NEWS),
        (6, None, NEWS),
        (6, -1, UNCLEAR),
        (5, 1, NEWS),
        (5, 0, NEWS),
        (5, None, NEWS),
        (5, -1, OLD),
        (4, 1, UNCLEAR),
        (4, 0, UNCLEAR),
        (4, None, UNCLEAR),
        (4, -1, OLD),
        (None, 1, NEWS),
        (None, 0, NEWS),
        (None, -1, OLD),
    ],
)
def test_version_and_date_are_asked_together(version, date, age):
    assert age_of(known(), told(version, date)) is age
    assert age_of(known(), told(version, date, is_partial=True)) is age


@pytest.mark.parametrize(("version", "age"), [(6, NEWS), (5, NEWS), (4, UNCLEAR)])
def test_the_date_of_what_an_answer_has_named_is_not_known(version, age):
    assert age_of(known(date=None), told(version, 0)) is age


@pytest.mark.parametrize(("own_time", "age"), [(-1, OLD), (0, NEWS), (1, NEWS), (None, NEWS)])
@pytest.mark.parametrize("clocks", [{}, {"date": None}, {"version": None}, {"version": None, "date": None}], ids=str)
def test_a_tie_is_left_to_the_events_own_time(clocks, own_time, age):
    assert age_of(known(own_time=0, **clocks), told(own_time=own_time, **clocks)) is age


def test_its_own_time_does_not_decide_against_version_and_date():
    assert age_of(known(own_time=0), told(6, 1, own_time=-1)) is NEWS
    assert age_of(known(own_time=0), told(4, 0, own_time=-1)) is UNCLEAR


def test_the_times_of_two_clocks_are_compared_where_there_is_nothing_else():
    assert age_of(known(version=None), told(version=None, date=None, own_time=-1)) is OLD
    assert age_of(known(), told(5, None, own_time=-1)) is NEWS


class TestPassedOver:
    """What is stored is newer, but it told of the status alone, or of what we have sent."""

    def test_a_whole_order_whose_version_was_not_heard(self):
        assert age_of(known(received_version=3), told(4, -1)) is UNCLEAR
        assert age_of(known(received_version=None), told(4, -1)) is UNCLEAR
        assert age_of(known(received_version=4), told(4, -1)) is OLD

    def test_one_whose_date_was_not_heard(self):
        assert age_of(known(version=None, heard_date=-2), told(None, -1)) is UNCLEAR
        assert age_of(known(version=None, heard_date=-1), told(None, -1)) is OLD

    def test_of_a_status_alone_nothing_else_is_lost(self):
        assert age_of(known(received_version=3), told(4, -1, is_partial=True)) is OLD


numbers = st.none() | st.integers(0, 3)


@given(mine=st.tuples(numbers, numbers, numbers), theirs=st.tuples(numbers, numbers, numbers), heard=numbers)
def test_nothing_is_old_that_one_of_the_sites_own_clocks_calls_newer(mine, theirs, heard):
    age = age_of(known(*mine, received_version=heard), told(*theirs))
    pairs = [(other, one) for one, other in zip(mine, theirs, strict=True) if one is not None and other is not None]
    of_the_site = [
        (other, one) for one, other in zip(mine[:2], theirs[:2], strict=True) if one is not None and other is not None
    ]
    if age is OLD:
        assert all(other <= one for other, one in of_the_site)
    if age is NEWS and of_the_site:
        assert not any(other < one for other, one in of_the_site)
    if all(other == one for other, one in pairs) and of_the_site:
        assert age is NEWS, "merging the same again changes nothing"


@pytest.mark.parametrize(
    ("heard", "said", "answered", "age"),
    [
        ("a", "a", None, NEWS),
        ("a", "b", None, UNCLEAR),
        ("a", None, None, NEWS),
        (None, "b", None, NEWS),
        ("a", "b", Answered(5, ["comment"]), NEWS),
    ],
    ids=["the same", "another", "a sender without", "never heard", "changed by a push since"],
)
def test_other_contents_under_the_same_clocks_are_asked_about(heard, said, answered, age):
    agreement = Agreement(received_version=5, checksum=heard, answered=answered)
    order = Order(bitrix_version=5, bitrix_updated_at=at(0), bitrix_state=agreement.as_json())
    assert age_of(order, replace(told(own_time=9), checksum=said)) is age
    assert age_of(order, replace(told(version=6, date=1), checksum=said)) is NEWS
