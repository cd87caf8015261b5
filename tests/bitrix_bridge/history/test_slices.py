"""Going on with a run in the worker: slice by slice, to an end, whatever goes wrong."""

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
    """Ids of orders that can't be taken over for now, and what was tried of them."""
    ids, tried = set(FAILING), []
    record = applying._record

    def refuse(ready, *others):
        if ready.bitrix_order_id in ids:
            tried.append(ready.bitrix_order_id)
            raise ValueError("made-up trouble")
        return record(ready, *others)

    monkeypatch.setattr(applying, "_record", refuse)
    return SimpleNamespace(ids=ids, tried=tried)


@pytest.fixture
def run(source, failing):
    """A run that is through, but for three orders."""
    run = importing.start(source, Selection())
    assert importing.work(run, source)
    assert (run.state, run.come_over, run.failed) == ("done", 51, 3)
    failing.tried.clear()
    return run


@pytest.fixture
def no_time(monkeypatch):
    """Each slice does one batch."""
    monkeypatch.setattr(slices.slice_task, "seconds", 0.0)


def work_slices(run, capture):
    """Do what is queued until nothing is; return how many tasks that were."""
    for number in range(1, 50):
        with capture(execute=True):
            slices.work_slice(str(run.pk))
        if not OrmQ.objects.count():
            run.refresh_from_db()
            return number
        OrmQ.objects.all().delete()
    raise AssertionError("it goes on for ever")


def test_failed_orders_come_over_once_the_reason_is_gone(run, failing, manager, django_capture_on_commit_callbacks):
    failing.ids.clear()
    assert imports.resume(run, by=manager, is_claimed=False)
    assert work_slices(run, django_capture_on_commit_callbacks) == 1
    assert (run.state, run.come_over, run.failed, run.resumed_by) == ("done", 54, 0, manager)
    assert Order.objects.count() == 54
    assert not [one for one in run.reasons if one["code"] == "failed"]
    assert ImportRow.objects.filter(run=run, order=None).count() == 1  # the one that was being saved


def test_a_retry_that_is_cut_goes_on_behind_and_ends(run, failing, no_time, django_capture_on_commit_callbacks):
    ImportRun.objects.update(options={"batch_size": 1})
    failing.ids.discard(122112)
    assert imports.resume(run, is_claimed=False)
    assert work_slices(run, django_capture_on_commit_callbacks) == 4  # one an order, and one that finds nothing left
    assert (run.state, run.come_over, run.failed, run.is_retry) == ("done", 52, 2, False)
    assert set(failing.tried) == {122110, 122130}
    # Asked for once more, it begins with the first again.
    failing.ids.clear()
    assert imports.resume(run, is_claimed=False)
    work_slices(run, django_capture_on_commit_callbacks)
    assert (run.come_over, run.failed) == (54, 0)


def test_failed_orders_that_the_copy_has_lost_stay_failed(run, site_copy, django_capture_on_commit_callbacks):
    site_copy.execute("DELETE FROM b_sale_order WHERE ID IN (122110, 122112, 122130)")
    assert imports.resume(run, is_claimed=False)
    assert work_slices(run, django_capture_on_commit_callbacks) == 1
    assert (run.state, run.failed, run.come_over) == ("done", 3, 51)


def test_a_run_that_was_cut_goes_on_to_its_end(source, no_time, django_capture_on_commit_callbacks):
    run = importing.start(source, Selection(), batch_size=30)
    assert not importing.work(run, source, is_over_time=lambda: True)
    assert imports.stop(run)
    run.refresh_from_db()
    assert run.reasons
    assert run.processed == 30
    assert imports.resume(run, is_claimed=False)
    assert work_slices(run, django_capture_on_commit_callbacks) == 2
    assert (run.state, run.come_over, run.processed) == ("done", 54, 55)


def test_two_tasks_of_one_run_do_not_work_side_by_side(run, failing):
    assert imports.resume(run, is_claimed=True)  # held by somebody
    slices.work_slice(str(run.pk))
    run.refresh_from_db()
    assert (run.state, failing.tried) == ("running", [])


def test_a_run_stopped_in_the_middle_of_a_slice_is_left_alone(run, monkeypatch):
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
    ("url", "words"),
    [
        ("", "BITRIX_MYSQL_URL"),
        ("mysql://reader:made-up-secret@127.0.0.1:1/site", "127.0.0.1"),
        ("nonsense", "mysql://"),
    ],
)
def test_a_copy_that_is_away(run, settings, url, words):
    settings.BITRIX_MYSQL_URL = url
    assert imports.resume(run, is_claimed=False)
    slices.work_slice(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.failed) == ("failed", 3)
    assert words in run.error
    assert "made-up-secret" not in run.error
    assert run.reasons  # what was found before is still told


def test_an_account_that_may_write_is_refused(run, settings, site_copy, failing):
    settings.BITRIX_MYSQL_URL = site_copy.url("writer")
    assert imports.resume(run, is_claimed=False)
    slices.work_slice(str(run.pk))
    run.refresh_from_db()
    assert run.state == "failed"
    assert "SELECT" in run.error
    assert not failing.tried


@pytest.mark.parametrize(
    ("error", "words"), [(OperationalError("the database is away"), "is away"), (KeyError("made-up"), "KeyError")]
)
def test_an_error_ends_it_with_a_reason(run, monkeypatch, error, words):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(importing, "apply_batch", fail)
    assert imports.resume(run, is_claimed=False)
    slices.work_slice(str(run.pk))
    run.refresh_from_db()
    assert run.state == "failed"
    assert words in run.error


def test_a_lost_task_is_queued_again(run, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert not slices.pick_up()
        assert imports.resume(run, is_claimed=False)
        assert slices.pick_up()
    assert OrmQ.objects.count() == 1
    # Held by somebody: nothing is queued; by nobody who is alive: it was stopped.
    assert imports.claim(run.pk)
    assert not slices.pick_up()
    ImportRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert not slices.pick_up()
    run.refresh_from_db()
    assert run.state == "stopped"


@pytest.mark.parametrize("key", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_task_of_no_run_does_nothing(schema, key):
    slices.work_slice(key)


def test_no_error_of_an_older_worker_ends_what_another_holds(run):
    assert imports.resume(run, is_claimed=True)
    older = ImportRun.objects.get()
    ImportRun.objects.update(claimed_by=None, lease_until=None)
    assert imports.claim(run.pk)
    with pytest.raises(LeaseLostError):
        imports.fail(older, "late")
    run.refresh_from_db()
    assert (run.state, run.error) == ("running", "")


@pytest.mark.django_db(transaction=True)
def test_nothing_is_repeated_behind_a_dry_run_nor_waits_for_its_end(schema):
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
