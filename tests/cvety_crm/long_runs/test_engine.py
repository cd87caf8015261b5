"""Tests of the states and leases of a run, and of the steps that each process may do."""

import subprocess
import sys
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bitrix_bridge.models import ImportRun
from bitrix_bridge.reconciliation import runs
from bitrix_bridge.reconciliation.runs import Origin, comparisons
from cvety_crm.long_runs.engine import AlreadyRunningError, LeaseLostError
from cvety_crm.long_runs.holders import current_process, is_dead
from tests.cvety_crm.long_runs.conftest import expire_lease

pytestmark = pytest.mark.django_db


def row() -> Any:
    """Return all columns of the only run."""
    return ImportRun.objects.values().get()


class TestStart:
    def test_started_run_is_leased_by_this_process(self, engine):
        run = engine.start(is_claimed=True, expected=7)
        assert (run.state, run.process, run.expected) == ("running", current_process(), 7)
        assert timedelta(minutes=1, seconds=50) < run.lease_until - timezone.now() <= engine.lease
        assert engine.claim(run.pk) is None

    def test_second_run_is_refused_without_changes(self, engine):
        engine.start(is_claimed=False)
        before = row()
        with pytest.raises(AlreadyRunningError, match=r"^one runs$"):
            engine.start(is_claimed=True)
        assert row() == before

    def test_abandoned_run_is_stopped_by_the_next_start(self, engine):
        first = engine.start(is_claimed=True)
        expire_lease()
        assert engine.start(is_claimed=True).pk != first.pk
        first.refresh_from_db()
        assert (first.state, first.error, first.reasons) == ("stopped", "the process is gone", ["stopped"])


@pytest.mark.django_db(transaction=True)
def test_only_one_of_several_concurrent_workers_claims_the_run(engine):
    run = engine.start(is_claimed=False)
    at_once, claimed = Barrier(4), []

    def work():
        at_once.wait(30)
        claimed.append(engine.claim(run.pk))
        connection.close()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [one for one in claimed if one is not None]
    assert len(claimed) == 4
    engine.record(winner, {"created": 1})
    assert (row()["claimed_by"], row()["created"]) == (winner.claimed_by, 1)


class TestRecord:
    def test_record_adds_counts_and_extends_the_lease(self, engine):
        run = engine.start(is_claimed=True, created=2)
        ImportRun.objects.update(lease_until=timezone.now() + timedelta(seconds=5))
        engine.record(run, {"created": 3, "failed": 0}, after_id=9)
        assert (run.created, run.after_id) == (5, 9)
        run.refresh_from_db()
        assert (run.created, run.failed, run.after_id) == (5, 0, 9)
        assert run.lease_until - timezone.now() > timedelta(minutes=1)

    def test_record_is_rolled_back_with_its_transaction(self, engine):
        run = engine.start(is_claimed=True)
        before = row()
        with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012 - the transaction is what is tested
            engine.record(run, {"created": 3}, after_id=9)
            _ = 1 / 0
        assert row() == before


class TestLeaseLost:
    @pytest.fixture
    def lost_run(self, pick_up_engine):
        """Return a run as seen by a process that has lost the run's lease in the middle of its work."""
        run = pick_up_engine.start(is_claimed=True)
        pick_up_engine.record(run, {"created": 1})
        expire_lease()
        assert pick_up_engine.claim(run.pk) is not None
        return run

    @pytest.mark.parametrize(
        "step",
        [
            lambda engine, run: engine.record(run, {"created": 1}, after_id=9),
            lambda engine, run: engine.release(run),
            lambda engine, run: engine.back_off(run, "no answer"),
            lambda engine, run: engine.finish(run),
            lambda engine, run: engine.fail(run, "no answer"),
        ],
        ids=["record", "release", "back_off", "finish", "fail"],
    )
    def test_steps_after_a_lost_lease_raise_error_without_changes(self, lost_run, pick_up_engine, alerts, step):
        before = row()
        with pytest.raises(LeaseLostError):
            step(pick_up_engine, lost_run)
        assert (row(), alerts) == (before, [])

    def test_reload_does_not_restore_a_lost_lease(self, lost_run, pick_up_engine):
        pick_up_engine.reload(lost_run)
        assert (lost_run.created, lost_run.state) == (1, "running")
        with pytest.raises(LeaseLostError):
            pick_up_engine.record(lost_run)

    def test_record_without_a_lease_raises_error(self, engine):
        run = engine.start(is_claimed=False)
        with pytest.raises(LeaseLostError):
            engine.record(run, {"created": 1})


class TestStopAndResume:
    def test_stopped_run_is_resumed_from_its_place(self, engine, manager):
        run = engine.start(is_claimed=True)
        engine.record(run, {"created": 4}, after_id=9)
        holder = ImportRun.objects.get()
        assert engine.stop(run)
        assert not engine.stop(run)
        with pytest.raises(LeaseLostError):
            engine.record(holder, {"created": 1})
        stopped = ImportRun.objects.get()
        assert (stopped.state, stopped.claimed_by, stopped.lease_until) == ("stopped", None, None)
        assert stopped.finished_at is not None
        assert stopped.reasons == ["stopped"]
        assert engine.claim(run.pk) is None

        assert engine.resume(run, is_claimed=False, by=manager)
        assert (run.state, run.created, run.after_id, run.finished_at) == ("running", 4, 9, None)
        assert (run.resumed_by, run.resumed_from, run.claimed_by) == (manager, 4, None)
        assert engine.claim(run.pk) is not None

    @pytest.mark.parametrize("state", ["running", "done"])
    def test_active_or_finished_run_is_not_resumed(self, engine, state):
        run = engine.start(is_claimed=False)
        ImportRun.objects.update(state=state)
        before = row()
        assert not engine.resume(run, is_claimed=True)
        assert row() == before

    def test_resume_during_another_run_raises_error(self, engine):
        run = engine.start(is_claimed=True)
        engine.stop(run)
        engine.start(is_claimed=True)
        with pytest.raises(AlreadyRunningError):
            engine.resume(run, is_claimed=True)
        run.refresh_from_db()
        assert run.state == "stopped"

    def test_resumed_run_is_not_abandoned_before_it_is_claimed(self):
        run = runs.start(origin=Origin.PAGE, is_repair=False)
        comparisons.stop(run)
        type(run).objects.update(updated_at=timezone.now() - timedelta(days=1))
        assert comparisons.resume(run, is_claimed=False)
        assert comparisons.waiting() == [run]


class TestAbandoned:
    def test_run_of_an_ended_process_is_stopped_at_once(self, engine):
        run = engine.start(is_claimed=True)
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        engine.end_abandoned()
        assert row()["state"] == "running"
        host = current_process().rpartition(":")[0]
        ImportRun.objects.update(process=f"{host}:{ended.pid}")
        assert engine.last() == run
        assert (row()["state"], row()["process"]) == ("stopped", "")

    @pytest.mark.parametrize(
        "process", ["", "elsewhere:1", "elsewhere:x", current_process()], ids=["none", "other", "no number", "this"]
    )
    def test_process_that_cannot_be_checked_does_not_count_as_dead(self, process):
        assert not is_dead(process)

    def test_run_with_an_expired_lease_is_picked_up_by_a_worker(self, pick_up_engine):
        run = pick_up_engine.start(is_claimed=True)
        assert pick_up_engine.waiting() == []
        pick_up_engine.record(run, {"created": 4}, after_id=9)
        expire_lease(ago=timedelta(minutes=9))
        assert pick_up_engine.waiting() == [run]
        next_holder = pick_up_engine.claim(run.pk)
        assert (next_holder.created, next_holder.after_id) == (4, 9)
        assert next_holder.claimed_by != run.claimed_by
        pick_up_engine.finish(next_holder)
        assert row()["state"] == "done"

    def test_run_fails_when_no_worker_picks_it_up_in_time(self, pick_up_engine):
        run = pick_up_engine.start(is_claimed=True)
        expire_lease(ago=timedelta(minutes=10))
        assert pick_up_engine.claim(run.pk) is None
        assert (row()["state"], row()["error"], row()["reasons"]) == ("failed", "the process is gone", ["failed"])

    def test_run_without_a_first_claim_is_not_abandoned(self, engine):
        run = engine.start(is_claimed=False)
        ImportRun.objects.update(updated_at=timezone.now() - timedelta(days=1))
        assert engine.waiting() == [run]


class TestBackOff:
    def test_each_failure_has_a_longer_delay_and_the_last_fails_the_run(self, engine, alerts):
        run = engine.start(is_claimed=True)
        delays = [engine.back_off(run, "no answer") for _ in range(3)]
        assert delays == [timedelta(seconds=5), timedelta(seconds=30), None]
        assert (row()["state"], row()["error"]) == ("failed", "no answer")
        assert [alert.title for alert in alerts] == ["failed"]

    def test_a_released_run_waits_for_its_delay(self, engine):
        run = engine.start(is_claimed=True)
        engine.release(run, delay=timedelta(seconds=30))
        assert (engine.claim(run.pk), engine.waiting()) == (None, [])
        expire_lease(ago=timedelta(0))
        engine.pick_up_within = timedelta(minutes=1)
        assert engine.claim(run.pk) is not None


class TestEnd:
    def test_failed_run_raises_one_alert_with_the_masked_error(self, engine, alerts, settings):
        settings.BITRIX_API_TOKEN = "made-up-secret"
        run = engine.start(is_claimed=True)
        engine.fail(run, "refused: made-up-secret " + "x" * 3000)
        assert (run.state, run.claimed_by, run.reasons) == ("failed", None, [])
        assert row()["reasons"] == ["failed"]
        assert row()["finished_at"] is not None
        assert run.error.startswith("refused: ••• xxx")
        assert len(run.error) == 2000
        (alert,) = alerts
        assert (alert.title, alert.text, alert.about) == ("failed", run.error, run)

    def test_failure_is_not_saved_when_its_alert_raises_error(self, engine, settings):
        settings.ALERT_HANDLERS = ["cvety_crm.nowhere.handler"]
        run = engine.start(is_claimed=True)
        before = row()
        with pytest.raises(ImportError):
            engine.fail(run, "no answer")
        assert row() == before

    def test_finished_run_stores_the_given_columns(self, engine, alerts):
        run = engine.start(is_claimed=True)
        engine.finish(run, source="x")
        assert (run.state, run.source, run.claimed_by, run.lease_until) == ("done", "x", None, None)
        assert [alert.title for alert in alerts] == ["done"]
