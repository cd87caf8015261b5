"""Tests of the worker's task: the state of the run after each slice, and the queued tasks."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django_q.models import OrmQ

from bitrix_bridge.models import ImportRun
from cvety_crm.long_runs.engine import LeaseLostError
from cvety_crm.long_runs.slices import SliceTask
from tests.cvety_crm.long_runs.conftest import expire_lease

pytestmark = pytest.mark.django_db


@pytest.fixture
def run_slice(engine, django_capture_on_commit_callbacks):
    """Return a function that runs one slice of a new run.

    The function returns the run and the number of queued tasks.
    """

    def run_slice(work, *, final_errors=()):
        task = SliceTask(engine, work, path="made.up", seconds=30, final_errors=final_errors)
        run = engine.start(is_claimed=False)
        with django_capture_on_commit_callbacks(execute=True):
            task.run(str(run.pk))
        run.refresh_from_db()
        return run, OrmQ.objects.count()

    return run_slice


def raising(error):
    def work(_run, _is_over_time):
        raise error

    return work


def test_slice_queues_the_next_one_when_its_time_is_over(run_slice):
    run, queued = run_slice(lambda _run, _is_over_time: timedelta(0))
    assert (run.state, run.claimed_by, run.lease_until, queued) == ("running", None, None, 1)


def test_slice_queues_nothing_during_a_retry_delay(run_slice):
    run, queued = run_slice(lambda _run, _is_over_time: timedelta(seconds=30))
    assert (run.state, run.claimed_by, run.lease_until is None, queued) == ("running", None, False, 0)


def test_finished_run_queues_no_slice(run_slice, engine):
    run, queued = run_slice(lambda run, _is_over_time: engine.finish(run))
    assert (run.state, queued) == ("done", 0)


@pytest.mark.parametrize(
    ("error", "state", "text"),
    [
        (ValueError("no copy"), "failed", "no copy"),
        (KeyError("x"), "failed", "Ошибка в самой CRM: KeyError"),
        (OperationalError("away"), "running", ""),
        (LeaseLostError(), "running", ""),
    ],
)
def test_error_fails_the_run_except_database_errors_and_lost_leases(run_slice, error, state, text):
    run, queued = run_slice(raising(error), final_errors=(ValueError,))
    assert (run.state, run.error, queued) == (state, text, 0)
    assert (run.claimed_by is None) == (state == "failed")


@pytest.mark.parametrize("run_id", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_slice_of_unknown_run_does_nothing(engine, run_id):
    SliceTask(engine, raising(AssertionError()), path="made.up", seconds=1).run(run_id)


def test_slice_time_is_over_after_its_seconds(engine):
    seen = []
    for seconds in (30, 0):
        task = SliceTask(
            engine, lambda _run, is_over_time: seen.append(is_over_time()), path="made.up", seconds=seconds
        )
        run = engine.start(is_claimed=False)
        task.run(str(run.pk))
        engine.stop(run)
    assert seen == [False, True]


def test_pick_up_queues_only_a_run_without_a_lease(engine, django_capture_on_commit_callbacks):
    task = SliceTask(engine, raising(AssertionError()), path="made.up", seconds=1)
    with django_capture_on_commit_callbacks(execute=True):
        assert not task.pick_up()
        run = engine.start(is_claimed=False)
        assert task.pick_up()
        engine.claim(run.pk)
        assert not task.pick_up()
        expire_lease()
        assert not task.pick_up()
    assert (OrmQ.objects.count(), ImportRun.objects.get().state) == (1, "stopped")
