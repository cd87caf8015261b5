"""Tests of which backups are deleted."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cvety_crm.backup.retention import Kept, moment_of, name_of, outdated, sorted_backups

NOW = datetime(2026, 12, 1, 23, tzinfo=UTC)


def nightly(days):
    return [name_of(NOW - timedelta(days=day), is_encrypted=day % 2 == 0) for day in range(days)]


def test_newest_of_days_weeks_and_months_stay():
    names = nightly(400)
    stay = [name for name in names if name not in outdated(names, Kept())]
    days = [(NOW - moment_of(name)).days for name in stay]
    # 1 December 2026 is a Tuesday: the weeks end on 29, 22 and 15 November, the months on the last of each.
    assert days == [0, 1, 2, 3, 4, 5, 6, 9, 16, 31, 62, 92, 123]


def test_other_files_are_never_deleted():
    names = ["notes.txt", "cvety-crm-20261301T000000Z.tar", "cvety-crm-20200101T000000Z.tar.part", *nightly(3)]
    assert outdated(names, Kept(0, 0, 0)) == nightly(3)[1:]


@given(st.lists(st.integers(0, 3000), unique=True, max_size=60), st.tuples(*[st.integers(0, 9)] * 3))
def test_deleting_night_by_night_never_deletes_the_newest_and_settles(hours, counts):
    names = [name_of(NOW - timedelta(hours=one), is_encrypted=False) for one in hours]
    gone = set(outdated(names, Kept(*counts)))
    left = [name for name in names if name not in gone]
    assert sorted_backups(names)[:1] == sorted_backups(left)[:1]
    assert outdated(left, Kept(*counts)) == []
    assert len(left) <= max(sum(counts), 1)
