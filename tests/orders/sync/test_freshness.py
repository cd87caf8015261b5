"""Tests of the freshness of snapshots: the functions agree with the tables in their docstrings.

The tests also check that the functions get the right arguments.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.sync.agreement import Agreement, Answered
from orders.sync.freshness import (
    Age,
    Arrival,
    Channel,
    Clock,
    Freshness,
    Known,
    StatusVerdict,
    Verdict,
    age_by_clocks,
    age_of,
    freshness_of,
    status_verdict_of,
    verdict_of,
)
from orders.sync.snapshot import FreshRead, OrderSnapshot

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)
NEW, OLD, UNCLEAR = Age.NEW, Age.OLD, Age.UNCLEAR
APPLY, DISCARD, FETCH = Verdict.APPLY, Verdict.DISCARD, Verdict.FETCH


def at(seconds):
    return None if seconds is None else NOON + timedelta(seconds=seconds)


def known(version=5, date=0, own_time=None, *, received_version=..., is_stub=False, is_imported=False, **agreement):
    """Return the stored values of an order.

    By default, the CRM has received the order of this version with all its data.
    """
    received = version if received_version is ... else received_version
    times = {name: at(value) if name.endswith("_at") else value for name, value in agreement.items()}
    return Known(
        version=version,
        updated_at=at(date),
        agreement=Agreement(received_version=received, announced_at=at(own_time), **times),
        is_stub=is_stub,
        is_imported=is_imported,
    )


def snapshot(version=5, date=0, own_time=None, *, is_partial=False):
    return OrderSnapshot(
        bitrix_order_id=1, version=version, updated_at=at(date), announced_at=at(own_time), is_partial=is_partial
    )


def event(*, received_at=None):
    return Arrival(at=at(100), received_at=at(received_at))


def response(times_received=0, read_at=50):
    return Arrival(at=at(100), fresh=FreshRead(read_at=at(read_at), times_received=times_received))


COPY = Arrival(at=at(100), is_copied=True)


FLAG = {"yes": True, "no": False}
CLOCK = {str(one): one for one in Clock}
CHANNEL = {str(one): one for one in Channel}
FACTS: dict[Any, dict[str, Any]] = {
    age_by_clocks: {
        "version": CLOCK,
        "date": CLOCK,
        "has_other_contents": FLAG,
        "own_time": CLOCK,
        "was_skipped": FLAG,
    },
    verdict_of: {"age": {str(one): one for one in Age}, "channel": CHANNEL, "is_fetch_due": FLAG, "is_proven": FLAG},
    status_verdict_of: {"is_late": FLAG, "channel": CHANNEL, "has_versions": FLAG},
}
"""The columns of the table in each docstring: an argument of the function, and the values that its cells stand for."""


def rows(function):
    """Return the rows of the table in a docstring. A row is the cells of the arguments, and the result."""
    lines = [line.strip() for line in function.__doc__.splitlines() if line.strip().startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return [(tuple(row[:-1]), row[-1]) for row in cells]


def expand(function, row):
    """Return all combinations of arguments that a row describes."""
    values = [
        column.values() if cell == "any" else [column[name] for name in cell.split(", ")]
        for cell, column in zip(row, FACTS[function].values(), strict=True)
    ]
    return list(product(*values))


@pytest.mark.parametrize(
    ("function", "row", "result"),
    [
        pytest.param(function, row, result, id=f"{function.__name__}: {' | '.join(row)}")
        for function in FACTS
        for row, result in rows(function)
    ],
)
def test_function_returns_result_of_table_row_for_all_its_combinations(function, row, result):
    for facts in expand(function, row):
        assert str(function(**dict(zip(FACTS[function], facts, strict=True)))) == result


@pytest.mark.parametrize(
    ("function", "combinations"), [(age_by_clocks, 256), (verdict_of, 48), (status_verdict_of, 16)]
)
def test_each_combination_of_arguments_is_in_exactly_one_table_row(function, combinations):
    named = [facts for row, _ in rows(function) for facts in expand(function, row)]
    assert len(named) == len(set(named)) == combinations


@pytest.mark.parametrize(
    ("version", "date", "age"),
    [
        (6, 1, NEW),
        (6, 0, NEW),
        (6, None, NEW),
        (6, -1, UNCLEAR),
        (5, 1, NEW),
        (5, 0, NEW),
        (5, None, NEW),
        (5, -1, OLD),
        (4, 1, UNCLEAR),
        (4, 0, UNCLEAR),
        (4, None, UNCLEAR),
        (4, -1, OLD),
        (None, 1, NEW),
        (None, 0, NEW),
        (None, -1, OLD),
    ],
)
def test_age_depends_on_version_and_date_together(version, date, age):
    stored = known(received_updated_at=0)
    assert age_of(stored, snapshot(version, date)) is age
    assert age_of(stored, snapshot(version, date, is_partial=True)) is age


@pytest.mark.parametrize(("version", "age"), [(6, NEW), (5, NEW), (4, UNCLEAR)])
def test_age_depends_on_version_alone_when_stored_date_is_unknown(version, age):
    assert age_of(known(date=None), snapshot(version, 0)) is age


@pytest.mark.parametrize(("own_time", "age"), [(-1, OLD), (0, NEW), (1, NEW), (None, NEW)])
@pytest.mark.parametrize("clocks", [{}, {"date": None}, {"version": None}, {"version": None, "date": None}], ids=str)
def test_event_time_decides_when_version_and_date_are_equal(clocks, own_time, age):
    assert age_of(known(own_time=0, **clocks), snapshot(own_time=own_time, **clocks)) is age


def test_event_time_does_not_overrule_version_and_date():
    assert age_of(known(own_time=0), snapshot(6, 1, own_time=-1)) is NEW
    assert age_of(known(own_time=0), snapshot(4, 0, own_time=-1)) is UNCLEAR


def test_event_time_is_compared_with_date_only_without_other_clocks():
    assert age_of(known(version=None), snapshot(version=None, date=None, own_time=-1)) is OLD
    assert age_of(known(), snapshot(5, None, own_time=-1)) is NEW
    assert age_of(known(version=None, own_time=-2), snapshot(None, None, own_time=-1)) is NEW
    assert age_of(known(version=None), snapshot(None, 0, own_time=-1)) is NEW


def test_time_of_status_event_is_compared_with_times_of_both_kinds():
    stored = known(None, None, own_time=0, status_announced_at=2)
    bare = [age_of(stored, snapshot(None, None, own_time, is_partial=True)) for own_time in (-1, 1, 2)]
    assert bare == [OLD, OLD, NEW]
    assert [age_of(stored, snapshot(None, None, own_time)) for own_time in (-1, 0)] == [OLD, NEW]
    assert age_of(known(None, None, own_time=2), snapshot(None, None, 1, is_partial=True)) is OLD


class TestSkipped:
    """The stored version is newer, but only because of a status event or a push by the CRM."""

    def test_older_order_is_unclear_if_its_version_was_never_received(self):
        assert age_of(known(received_version=3), snapshot(4, -1)) is UNCLEAR
        assert age_of(known(received_version=None), snapshot(4, -1)) is UNCLEAR
        assert age_of(known(received_version=4), snapshot(4, -1)) is OLD

    def test_older_order_is_unclear_if_its_date_was_never_received(self):
        assert age_of(known(version=None, received_updated_at=-2), snapshot(None, -1)) is UNCLEAR
        assert age_of(known(version=None, received_updated_at=-1), snapshot(None, -1)) is OLD
        assert age_of(known(version=None), snapshot(None, -1)) is OLD

    def test_older_bare_status_is_old_even_if_never_received(self):
        assert age_of(known(received_version=3), snapshot(4, -1, is_partial=True)) is OLD


numbers = st.none() | st.integers(0, 3)


@given(mine=st.tuples(numbers, numbers, numbers), theirs=st.tuples(numbers, numbers, numbers), received=numbers)
def test_snapshot_with_a_newer_clock_of_site_is_never_old(mine, theirs, received):
    age = age_of(known(*mine, received_version=received), snapshot(*theirs))
    pairs = [(other, one) for one, other in zip(mine, theirs, strict=True) if one is not None and other is not None]
    of_the_site = [
        (other, one) for one, other in zip(mine[:2], theirs[:2], strict=True) if one is not None and other is not None
    ]
    if age is OLD:
        assert all(other <= one for other, one in of_the_site)
    if age is NEW and of_the_site:
        assert not any(other < one for other, one in of_the_site)
    if all(other == one for other, one in pairs) and of_the_site:
        assert age is NEW, "merging the same again changes nothing"


@pytest.mark.parametrize(
    ("received", "checksum", "answered", "age"),
    [
        ("a", "a", None, NEW),
        ("a", "b", None, UNCLEAR),
        ("a", None, None, NEW),
        (None, "b", None, NEW),
        ("a", "b", Answered(5, ["comment"]), NEW),
    ],
    ids=["same", "other", "no checksum sent", "no checksum stored", "pushed since"],
)
def test_other_checksum_with_equal_clocks_is_unclear(received, checksum, answered, age):
    stored = known(checksum=received, answered=answered)
    assert age_of(stored, replace(snapshot(own_time=9), checksum=checksum)) is age
    assert age_of(stored, replace(snapshot(version=6, date=1), checksum=checksum)) is NEW


class TestChannel:
    @pytest.mark.parametrize(
        ("arrival", "version", "channel"),
        [
            (event(), 5, Channel.EVENT),
            (event(received_at=0), 5, Channel.REPEATED),
            (event(received_at=0), None, Channel.EVENT),
            (response(), 5, Channel.RESPONSE),
            (COPY, 5, Channel.COPY),
        ],
    )
    def test_channel_depends_on_arrival_and_version(self, arrival, version, channel):
        assert arrival.channel(snapshot(version)) is channel


class TestFetch:
    """Tests of whether a fetch is due, and whether its response is applied."""

    @pytest.mark.parametrize(
        ("answered_at", "received_at", "is_due"),
        [(None, None, True), (99, None, True), (100, None, False), (59, 60, True), (60, 60, False), (60, None, True)],
    )
    def test_fetch_is_due_until_one_started_after_event_was_received(self, answered_at, received_at, is_due):
        found = freshness_of(known(answered_at=answered_at), snapshot(), event(received_at=received_at))
        assert found.is_fetch_due is is_due
        assert found.verdict_in_doubt is (FETCH if is_due else DISCARD)

    def test_response_is_new_unless_site_has_reported_order_since(self):
        assert freshness_of(known(times_received=3), snapshot(4, -1), response(3)).verdict is APPLY
        assert freshness_of(known(times_received=3), snapshot(4, -1), response(2)).verdict is DISCARD
        assert freshness_of(known(times_received=3), snapshot(4, 1), response(2)).verdict is DISCARD
        assert freshness_of(known(times_received=3), snapshot(6, 1), response(2)).verdict is APPLY

    def test_event_with_unclear_clocks_causes_only_one_fetch(self):
        assert freshness_of(known(), snapshot(4, 1), event()).verdict is FETCH
        assert freshness_of(known(answered_at=100), snapshot(4, 1), event()).verdict is DISCARD

    def test_repeated_event_is_discarded_after_a_response(self):
        stored = known(answered_at=60)
        assert freshness_of(stored, snapshot(6, 1), event(received_at=60)).verdict is DISCARD
        assert freshness_of(stored, snapshot(6, 1), event(received_at=61)).verdict is APPLY
        assert freshness_of(stored, snapshot(None, 1), event(received_at=60)).verdict is APPLY

    def test_response_is_never_a_twin(self):
        agreement = Agreement(agreed={"comment": "a"}, answered=Answered(5, ["comment"]))
        twin = (5, {"comment": "b"}, agreement)
        assert freshness_of(known(), snapshot(), event()).is_twin(*twin) is True
        assert freshness_of(known(), snapshot(), COPY).is_twin(*twin) is True
        assert freshness_of(known(), snapshot(), response()).is_twin(*twin) is False
        assert freshness_of(known(), snapshot(), event()).is_twin(6, {"comment": "b"}, agreement) is False


class TestCopy:
    """A copy of the site's database must be proven to be as new as the stored order."""

    @pytest.mark.parametrize(
        ("stored", "copied", "verdict"),
        [
            pytest.param(known(), snapshot(), APPLY, id="as new"),
            pytest.param(known(), snapshot(6, None), APPLY, id="newer version"),
            pytest.param(known(None), snapshot(None, 1), APPLY, id="newer date"),
            pytest.param(known(), snapshot(4, -1), DISCARD, id="old"),
            pytest.param(known(), snapshot(4, 1), DISCARD, id="unclear"),
            pytest.param(known(None, None), snapshot(), DISCARD, id="nothing to compare"),
            pytest.param(known(None, 0), snapshot(5, None), DISCARD, id="clocks of different kinds"),
            pytest.param(known(None, None, is_imported=True), snapshot(), APPLY, id="stored order is from a copy too"),
            pytest.param(known(None, None, is_stub=True), snapshot(), APPLY, id="a stub"),
            pytest.param(known(unversioned_at=9), snapshot(), DISCARD, id="as new, unversioned report since"),
            pytest.param(known(unversioned_at=9), snapshot(6), APPLY, id="newer, unversioned report since"),
            pytest.param(known(unversioned_at=9, is_stub=True), snapshot(), APPLY, id="a stub, unversioned report"),
            pytest.param(
                known(None, None, unversioned_at=9, is_imported=True), snapshot(), DISCARD, id="imported, unversioned"
            ),
        ],
    )
    def test_copy_is_applied_only_if_it_is_proven_new(self, stored, copied, verdict):
        assert freshness_of(stored, copied, COPY).verdict is verdict

    @pytest.mark.parametrize(
        ("stored", "copied", "repeats"),
        [
            (known(), snapshot(), True),
            (known(), snapshot(6), False),
            (known(), snapshot(5, 1), False),
            (known(is_stub=True), snapshot(), False),
        ],
    )
    def test_copy_repeats_contacts_unless_it_is_newer(self, stored, copied, repeats):
        assert freshness_of(stored, copied, COPY).repeats_contacts is repeats
        assert freshness_of(stored, copied, event()).repeats_contacts is False


class TestStatus:
    """Tests of whether the status of a snapshot is applied."""

    @pytest.mark.parametrize(
        ("arrival", "version", "ours", "status"),
        [
            (event(), 5, 5, StatusVerdict.APPLY),
            (event(), None, 5, StatusVerdict.CHECK),
            (event(), 5, None, StatusVerdict.CHECK),
            (COPY, None, 5, StatusVerdict.CHECK),
            (response(), None, 5, StatusVerdict.APPLY),
        ],
    )
    def test_status_without_versions_is_checked_unless_fetched(self, arrival, version, ours, status):
        assert freshness_of(known(ours), snapshot(version), arrival).status is status

    @pytest.mark.parametrize(
        ("date", "own_time", "is_late"),
        [(9, None, True), (10, None, False), (None, 9, True), (9, 10, False), (10, 9, False), (None, None, False)],
    )
    def test_status_is_discarded_if_all_times_of_order_are_older(self, date, own_time, is_late):
        status = freshness_of(known(status_announced_at=10), snapshot(6, date, own_time), event()).status
        assert (status is StatusVerdict.DISCARD) is is_late
        partial = snapshot(6, date, own_time, is_partial=True)
        assert freshness_of(known(status_announced_at=10), partial, event()).status is StatusVerdict.APPLY
        assert freshness_of(known(), snapshot(6, date, own_time), event()).status is StatusVerdict.APPLY

    @pytest.mark.parametrize(
        ("status_received_at", "status"),
        [(None, StatusVerdict.APPLY), (50, StatusVerdict.APPLY), (51, StatusVerdict.DISCARD)],
    )
    def test_status_of_response_is_discarded_if_received_after_fetch_started(self, status_received_at, status):
        stored = known(status_received_at=status_received_at, status_announced_at=999)
        assert freshness_of(stored, snapshot(6, 1), response(read_at=50)).status is status

    @pytest.mark.parametrize(
        ("stored", "copied", "status"),
        [
            (known(), snapshot(), StatusVerdict.APPLY),
            (known(status_received_at=1), snapshot(), StatusVerdict.DISCARD),
            (known(status_received_at=1), snapshot(6), StatusVerdict.APPLY),
            (known(status_received_at=1), snapshot(None, 1), StatusVerdict.DISCARD),
            (known(status_received_at=1, status_announced_at=9), snapshot(6, 1), StatusVerdict.DISCARD),
        ],
    )
    def test_status_of_copy_is_discarded_if_copy_lacks_received_status(self, stored, copied, status):
        assert freshness_of(stored, copied, COPY).status is status
        assert freshness_of(replace(stored, agreement=Agreement()), copied, COPY).status is not StatusVerdict.DISCARD

    @pytest.mark.parametrize(
        ("status", "is_fetch_due", "code", "verdict"),
        [
            (StatusVerdict.CHECK, True, "new", FETCH),
            (StatusVerdict.CHECK, False, "new", DISCARD),
            (StatusVerdict.CHECK, True, "paid", APPLY),
            (StatusVerdict.CHECK, True, None, APPLY),
            (StatusVerdict.APPLY, True, "new", APPLY),
        ],
    )
    def test_checked_status_is_doubtful_if_it_was_replaced(self, status, is_fetch_due, code, verdict):
        agreement = Agreement(agreed={"status": "accepted"}, past_statuses=["new"])
        found = Freshness(verdict=APPLY, status=status, is_fetch_due=is_fetch_due)
        assert found.verdict_on_status(code, agreement) is verdict
