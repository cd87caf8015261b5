"""Tests of the progress of a run, its rate, and its estimated time left."""

from datetime import UTC, datetime, timedelta

import pytest

from bitrix_bridge.models import ImportRow, ImportRun
from cvety_crm.long_runs.progress import Progress, progress

START = datetime(2026, 5, 4, 10, tzinfo=UTC)


def run(**columns):
    finished_at = START + columns.pop("after", timedelta(seconds=10))
    return ImportRun(started_at=START, finished_at=finished_at, **columns)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"expected": 100, "created": 20}, Progress(20, 100, 20, 80, 2.0, "40 с")),
        ({"expected": 100, "created": 100}, Progress(100, 100, 99, 0, 10.0, "")),
        ({"expected": 100, "created": 120}, Progress(120, 120, 99, 0, 12.0, "")),
        ({"expected": 100}, Progress(0, 100, 0, 100, 0.0, "")),
        ({"expected": 0}, Progress(0, 0, 0, 0, 0.0, "")),
        ({"expected": 100, "created": 20, "after": timedelta(0)}, Progress(20, 100, 20, 80, 0.0, "")),
    ],
)
def test_progress_rate_is_measured_from_the_start(columns, expected):
    assert progress(run(**columns)) == expected


def test_progress_rate_of_a_resumed_run_is_measured_from_its_resumption():
    next_day = timedelta(days=1)
    resumed = run(
        expected=100,
        created=60,
        resumed_at=START + next_day,
        resumed_from=40,
        after=next_day + timedelta(seconds=5),
    )
    assert progress(resumed) == Progress(60, 100, 60, 40, 4.0, "10 с")


@pytest.mark.django_db
def test_progress_of_a_retry_counts_remaining_items(django_assert_num_queries):
    retry = ImportRun.objects.create(is_retry=True, expected=100, created=98, failed=2, after_id=5)
    for bitrix_order_id in (5, 6):
        ImportRow.objects.create(run=retry, bitrix_order_id=bitrix_order_id, outcome="failed")
    with django_assert_num_queries(1):
        far = progress(retry)
    assert (far.percent, far.remaining, far.time_left) == (None, 1, "")
