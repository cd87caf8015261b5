"""Tests of the worker's slices of an import, and of their errors."""

from datetime import timedelta
from threading import Event, Thread
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from django_q.models import OrmQ

from bitrix_bridge.history import applying, importing, slices
from bitrix_bridge.history.reading import Selection
from bitrix_bridge.history.runs import imports
from bitrix_bridge.models import ImportRow, ImportRun
from cvety_crm.long_runs.engine import AlreadyRunningError, LeaseLostError
from orders.models import Order
from tests.bitrix_bridge.history.tables import Schema

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("schema", [Schema.NEW], ids=["new"])]

FAILING = {122110, 122112, 122130}


@pytest.fixture
def failing(monkeypatch):
    """Return `ids`, the ids of orders that can't be imported, and `tried`, the id of the order in each attempt."""
    ids, tried = set(FAILING), []
    history = applying._history

    def refuse(ready):
        if ready.bitrix_order_id in ids:
            tried.append(ready.bitrix_order_id)
            raise ValueError("made-up error")
        return history(ready)

    monkeypatch.setattr(applying, "_history", refuse)
    return SimpleNamespace(ids=ids, tried=tried)


@pytest.fixture
def run(source, failing):
    """Create a finished run with three failed orders."""
    run = importing.start(source, Selection())
    assert importing.work(run, source)
    assert (run.state, run.come_over, run.failed) == ("done", 51, 3)
    failing.tried.clear()
    return run


@pytest.fixture
def zero_seconds(monkeypatch):
    """Set the time limit of slices to zero. Each slice then imports one batch."""
    monkeypatch.setattr(slices.slice_task, "seconds", 0.0)


def work_slices(run, capture):
    """Run the queued slices until none is left, and return their number."""
    for number in range(1, 50):
        with capture(execute=True):
            slices.work_slice(str(run.pk))
        if not OrmQ.objects.count():
            run.refresh_from_db()
            return number
        OrmQ.objects.all().delete()
    raise AssertionError("more than 50 slices were queued")


def test_retry_imports_failed_orders_after_the_cause_is_fixed(
    run, failing, manager, django_capture_on_commit_callbacks
):
    failing.ids.clear()
    assert imports.resume(run, by=manager, is_claimed=False)
    assert work_slices(run, django_capture_on_commit_callbacks) == 1
    assert (run.state, run.come_over, run.failed, run.resumed_by) == ("done", 54, 0, manager)
    assert Order.objects.count() == 54
    assert not [one for one in run.reasons if one["code"] == "failed"]
    assert ImportRow.objects.filter(run=run, order=None).count() == 1  # This is the order that the site was saving.


def test_retry_in_several_slices_continues_after_the_last_order(
    run, failing, zero_seconds, django_capture_on_commit_callbacks
):
    ImportRun.objects.update(options={"batch_size": 1})
    failing.ids.discard(122112)
    assert imports.resume(run, is_claimed=False)
    # One slice for each order, and one slice that finds no order.
    assert work_slices(run, django_capture_on_commit_callbacks) == 4
    assert (run.state, run.come_over, run.failed, run.is_retry) == ("done", 52, 2, False)
    assert set(failing.tried) == {122110, 122130}
    # When the run is resumed again, the retry starts with the first order.
    failing.ids.clear()
    assert imports.resume(run, is_claimed=False)
    work_slices(run, django_capture_on_commit_callbacks)
    assert (run.come_over, run.failed) == (54, 0)


def test_failed_orders_missing_from_the_copy_stay_failed(run, site_copy, django_capture_on_commit_callbacks):
    site_copy.execute("DELETE FROM b_sale_order WHERE ID IN (122110, 122112, 122130)")
    assert imports.resume(run, is_claimed=False)
    assert work_slices(run, django_capture_on_commit_callbacks) == 1
    assert (run.state, run.failed, run.come_over) == ("done", 3, 51)


def test_stopped_run_is_resumed_and_finished(source, zero_seconds, django_capture_on_commit_callbacks):
    run = importing.start(source, Selection(), batch_size=30)
    assert not importing.work(run, source, is_over_time=lambda: True)
    assert imports.stop(run)
    run.refresh_from_db()
    assert run.reasons
    assert run.processed == 30
    assert imports.resume(run, is_claimed=False)
    assert work_slices(run, django_capture_on_commit_callbacks) == 2
    assert (run.state, run.come_over, run.processed) == ("done", 54, 55)


def test_slice_does_nothing_while_another_process_has_the_lease(run, failing):
    assert imports.resume(run, is_claimed=True)  # another process has the lease
    slices.work_slice(str(run.pk))
    run.refresh_from_db()
    assert (run.state, failing.tried) == ("running", [])


def test_run_stopped_during_a_slice_stays_stopped(run, monkeypatch):
    assert imports.resume(run, is_claimed=False)
    read = importing.read_orders

    def stop_first(*args):
        imports.stop(run)
        return read(*args)

    monkeypatch.setattr(importing, "read_orders", stop_first)
    slices.work_slice(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.error, run.failed) == ("stopped", "", 3)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("", "BITRIX_MYSQL_URL"),
        ("mysql://reader:made-up-secret@127.0.0.1:1/site", "127.0.0.1"),
        ("nonsense", "mysql://"),
    ],
)
def test_unreachable_copy_fails_the_run_without_the_password(run, settings, url, text):
    settings.BITRIX_MYSQL_URL = url
    assert imports.resume(run, is_claimed=False)
    slices.work_slice(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.failed) == ("failed", 3)
    assert text in run.error
    assert "made-up-secret" not in run.error
    assert run.reasons  # the earlier reasons are kept


def test_writable_account_fails_the_run(run, settings, site_copy, failing):
    settings.BITRIX_MYSQL_URL = site_copy.url("writer")
    assert imports.resume(run, is_claimed=False)
    slices.work_slice(str(run.pk))
    run.refresh_from_db()
    assert run.state == "failed"
    assert "SELECT" in run.error
    assert not failing.tried


@pytest.mark.parametrize(
    ("error", "text"), [(OperationalError("the database is away"), "is away"), (KeyError("made-up"), "KeyError")]
)
def test_unexpected_error_fails_the_run_with_its_name(run, monkeypatch, error, text):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(importing, "apply_batch", fail)
    assert imports.resume(run, is_claimed=False)
    slices.work_slice(str(run.pk))
    run.refresh_from_db()
    assert run.state == "failed"
    assert text in run.error


def test_pick_up_queues_a_run_without_lease_and_ends_an_abandoned_one(run, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert not slices.pick_up()
        assert imports.resume(run, is_claimed=False)
        assert slices.pick_up()
    assert OrmQ.objects.count() == 1
    # A run with a lease is not queued. A run whose lease has expired is stopped.
    assert imports.claim(run.pk)
    assert not slices.pick_up()
    ImportRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert not slices.pick_up()
    run.refresh_from_db()
    assert run.state == "stopped"


@pytest.mark.parametrize("key", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_slice_of_unknown_run_does_nothing(schema, key):
    slices.work_slice(key)


def test_worker_that_lost_its_lease_cannot_fail_the_run(run):
    assert imports.resume(run, is_claimed=True)
    older = ImportRun.objects.get()
    ImportRun.objects.update(claimed_by=None, lease_until=None)
    assert imports.claim(run.pk)
    with pytest.raises(LeaseLostError):
        imports.fail(older, "late")
    run.refresh_from_db()
    assert (run.state, run.error) == ("running", "")


@pytest.mark.django_db(transaction=True)
def test_resume_during_a_dry_run_raises_error_without_waiting(schema):
    run = ImportRun.objects.create(state="done", failed=1)
    holds, may_end = Event(), Event()

    def dry_run():
        with importing.rolled_back():
            imports.start(is_claimed=True, source="", options={}, expected=0, carts=0)
            holds.set()
            may_end.wait(30)
        connection.close()

    thread = Thread(target=dry_run)
    thread.start()
    try:
        assert holds.wait(30)
        with pytest.raises(AlreadyRunningError):
            imports.resume(run, is_claimed=False)
    finally:
        may_end.set()
        thread.join()
    run.refresh_from_db()
    assert run.state == "done"
    assert imports.resume(run, is_claimed=False)
