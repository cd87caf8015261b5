"""Tests of runs of the comparison: slices, retries, killed workers, stopping and resuming."""

import time
from datetime import timedelta
from itertools import count

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from bitrix_bridge.models import Difference, Reconciliation
from bitrix_bridge.reconciliation import comparing, repair, runs, slices
from bitrix_bridge.reconciliation.runs import Origin, comparisons
from bitrix_bridge.reconciliation.slices import pick_up, prune, start_nightly, work, work_slice
from bitrix_bridge.sandbox import Sandbox, faults
from cvety_crm.long_runs.engine import AlreadyRunningError, LeaseLostError
from notifications.models import TelegramMessage
from orders.models import Order
from tests.bitrix_bridge.reconciliation.conftest import found, outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(comparing, "PAGE", 2)


def start_run(origin=Origin.PAGE, **options):
    return runs.start(origin=origin, is_repair=options.pop("repair", False), **options)


def queued():
    return OrmQ.objects.count()


def work_to_end(run, most=50):
    """Run slices until the run has ended, and return their number."""
    for number in range(1, most):
        work_slice(str(run.pk))
        run.refresh_from_db()
        if run.state != "running":
            return number
    raise AssertionError("it does not end")


def test_second_run_at_the_same_time_is_refused(site, manager):
    run = start_run(started_by=manager)
    for origin in Origin:
        with pytest.raises(AlreadyRunningError):
            start_run(origin)
    assert start_nightly() is None
    assert comparisons.stop(run)
    assert start_run().pk != run.pk


def test_second_worker_does_nothing_with_a_claimed_run(site, place):
    place(1)
    run = start_run()
    claimed = comparisons.claim(run.pk)
    assert (claimed.state, comparisons.claim(run.pk)) == ("running", None)
    work_slice(str(run.pk))  # a different process has the lease
    run.refresh_from_db()
    assert run.compared == 0
    assert work(claimed) is None


def test_repairing_run_is_finished_in_several_slices(
    site, place, small_pages, monkeypatch, django_capture_on_commit_callbacks
):
    orders = place(7)
    for order in orders[::3]:
        site.site.write_raw(order.bitrix_order_id, {"PRICE": "1"})
    ticks = count(0, 0.4)
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(slices.slice_task, "seconds", 0.5)  # enough time for one step
    run = start_run(repair=True)
    with django_capture_on_commit_callbacks(execute=True):
        work_slice(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.compared, queued()) == ("running", 2, 1)
    assert work_to_end(run) > 5
    assert (run.state, run.compared, outcomes(run)) == ("done", 7, {"repaired": 3})
    assert found(run) == {(order.bitrix_order_id, "total_amount") for order in orders[::3]}


class TestKilledWorker:
    """A worker is killed at one of the steps. The next worker finishes the run with the same result."""

    @pytest.mark.parametrize("failing_function", ["step", "repair", "bulk_update"])
    def test_run_of_a_killed_worker_is_finished_by_another(
        self, site, place, small_pages, monkeypatch, failing_function
    ):
        orders = place(5)
        for order in orders:
            site.site.write_raw(order.bitrix_order_id, {"PRICE": "1"})
        run = start_run(repair=True)
        calls = []

        def fail_third_call(original):
            def call(*args, **kwargs):
                calls.append(1)
                if len(calls) == 3:
                    raise SystemExit  # as after a signal, nothing is cleaned up
                return original(*args, **kwargs)

            return call

        # In this case, the worker is killed after the repair of the order and before the outcome is saved.
        if failing_function == "bulk_update":
            manager = Difference.objects
            monkeypatch.setattr(type(manager), "bulk_update", fail_third_call(type(manager).bulk_update))
        else:
            monkeypatch.setattr(slices, failing_function, fail_third_call(getattr(slices, failing_function)))
        with pytest.raises(SystemExit):
            work_slice(str(run.pk))
        monkeypatch.undo()
        assert not pick_up()  # the lease of the killed worker has not expired
        Reconciliation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert pick_up()
        work_to_end(run)
        assert (run.state, run.compared, run.differences, outcomes(run)) == ("done", 5, 5, {"repaired": 5})
        assert set(Order.objects.values_list("total_amount", flat=True)) == {1}

    def test_run_of_a_killed_command_fails_and_can_be_resumed(self, site, place):
        place(1)
        run = start_run(Origin.COMMAND)
        comparisons.claim(run.pk)
        Reconciliation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert not pick_up()
        run.refresh_from_db()
        assert (run.state, bool(run.error)) == ("failed", True)
        assert comparisons.resume(run, is_claimed=False, origin=Origin.PAGE)
        work_to_end(run)
        assert (run.state, run.compared) == ("done", 1)

    def test_abandoned_run_fails_and_allows_a_new_one(self, site):
        run = start_run()
        comparisons.claim(run.pk)
        Reconciliation.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        assert start_run().pk != run.pk
        run.refresh_from_db()
        assert run.state == "failed"


def test_stopped_run_is_resumed_from_its_place(site, place, small_pages):
    place(5)
    run = start_run()
    claimed = comparisons.claim(run.pk)
    comparing.step(claimed, comparing.SiteClient())
    assert comparisons.stop(run)
    assert not comparisons.stop(run)
    with pytest.raises(LeaseLostError):
        work(claimed)
    run.refresh_from_db()
    assert (run.state, run.compared) == ("stopped", 2)
    assert comparisons.resume(run, is_claimed=False, origin=Origin.PAGE)
    assert not comparisons.resume(run, is_claimed=False, origin=Origin.PAGE)
    work_to_end(run)
    assert (run.state, run.compared, run.agreed) == ("done", 5, 5)


class TestSiteDown:
    def test_run_continues_after_temporary_failures(self, site, place, small_pages):
        place(5)
        run = start_run()
        claimed = comparisons.claim(run.pk)
        comparing.step(claimed, comparing.SiteClient())
        site.faults.give(faults.status(503), times=2)
        assert work(claimed) == comparisons.retry_delays[0]
        assert work(claimed) == comparisons.retry_delays[1]
        assert work(claimed) is None
        run.refresh_from_db()
        assert (run.state, run.compared, run.agreed, run.failures) == ("done", 5, 5, 0)

    def test_slice_ends_with_a_retry_delay(self, site, place):
        place(1)
        run = start_run()
        site.faults.give(faults.status(503))
        work_slice(str(run.pk))
        run.refresh_from_db()
        delay = run.lease_until - timezone.now()
        assert (run.state, queued()) == ("running", 0)
        assert timedelta(0) < delay <= comparisons.retry_delays[0]
        assert not pick_up()
        Reconciliation.objects.update(lease_until=timezone.now())
        assert pick_up()

    def test_run_fails_after_all_retries_and_can_be_resumed(self, site, place, small_pages):
        orders = place(3)
        run = start_run(Origin.SCHEDULE)
        comparing.step(comparisons.claim(run.pk), comparing.SiteClient())
        Reconciliation.objects.update(lease_until=None)
        site.faults.give(faults.status(503), times=99)
        for _ in comparisons.retry_delays:
            work_slice(str(run.pk))
            Reconciliation.objects.update(lease_until=None)
        work_slice(str(run.pk))
        run.refresh_from_db()
        assert (run.state, run.after_id, run.compared) == ("failed", orders[1].bitrix_order_id, 2)
        assert "503" in run.error
        assert TelegramMessage.objects.get(kind="alert").text
        site.faults.clear()
        assert comparisons.resume(run, is_claimed=False, origin=Origin.PAGE)
        work_to_end(run)
        assert (run.state, run.compared) == ("done", 3)

    def test_repair_is_continued_after_a_temporary_failure(self, site, place):
        for order in place(3):
            site.site.write_raw(order.bitrix_order_id, {"PRICE": "1"})
        run = start_run(repair=True)
        claimed = comparisons.claim(run.pk)
        site.faults.give(faults.status(503), action="order.get")
        assert work(claimed) == comparisons.retry_delays[0]
        assert outcomes(run) == {"found": 3}
        assert work(claimed) is None
        assert outcomes(run) == {"repaired": 3}

    @pytest.mark.parametrize("fault", [faults.status(401), faults.redirect()])
    def test_wrong_settings_fail_the_run_at_once(self, site, fault):
        run = start_run()
        site.faults.give(fault)
        work_slice(str(run.pk))
        run.refresh_from_db()
        assert (run.state, "BITRIX_API" in run.error) == ("failed", True)


def test_old_bridge_fails_the_nightly_run_with_one_alert(settings):
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, legacy_bridge=True) as old:
        settings.BITRIX_API_URL = old.bridge_url
        for night in range(2):
            run = start_nightly()
            work_slice(str(run.pk))
            run.refresh_from_db()
            assert (run.state, "bitrix_bridge/php" in run.error) == ("failed", True)
            # The error of the second night is the same, so it sends no second alert.
            assert TelegramMessage.objects.filter(kind="alert").count() == 1, night
        assert old.site.all_orders() == []


def test_unexpected_error_fails_the_run(site, place, monkeypatch):
    place(1)
    run = start_run()
    monkeypatch.setattr(comparing, "compare", lambda *_args, **_options: 1 / 0)
    site.site.write_raw(Order.objects.get().bitrix_order_id, {"PRICE": "1"})
    work_slice(str(run.pk))
    run.refresh_from_db()
    assert (run.state, "ZeroDivisionError" in run.error) == ("failed", True)


class TestNightly:
    def test_nightly_run_repairs_and_alerts_about_open_differences(
        self, site, place, manager, django_capture_on_commit_callbacks
    ):
        easy, hard = place(2)
        site.site.write_raw(easy.bitrix_order_id, {"PRICE": "1"})
        Order.objects.filter(pk=hard.pk).update(status="accepted")
        site.site.write_raw(hard.bitrix_order_id, {"STATUS_ID": "DE"})
        TelegramMessage.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            run = start_nightly()
        assert (run.origin, run.is_repair, queued()) == ("schedule", True, 1)
        work_to_end(run)
        assert (run.repaired, run.need_person) == (1, 1)
        assert "ждёт решения" in TelegramMessage.objects.get(kind="alert").text

    def test_nightly_run_without_differences_sends_no_alert(self, site, place):
        place(1)
        run = start_nightly()
        work_to_end(run)
        assert not TelegramMessage.objects.filter(kind="alert").exists()

    def test_nightly_run_is_not_started_without_a_configured_site(self, settings):
        settings.BITRIX_API_URL = settings.BITRIX_REST_URL = ""
        assert (start_nightly(), Reconciliation.objects.count()) == (None, 0)


def test_lease_is_longer_than_every_retry_delay():
    assert max(comparisons.retry_delays) < comparisons.lease < comparisons.pick_up_within
    assert slices.SLICE_SECONDS < 60


def test_old_runs_without_open_differences_are_pruned(site, place, compare_sides):
    (order,) = place(1)
    site.site.write_raw(order.bitrix_order_id, {"PRICE": "1"})
    still_open = compare_sides()
    decided = compare_sides(repair=True)
    new = compare_sides()
    Difference.objects.filter(run=still_open).update(outcome="person")
    Reconciliation.objects.exclude(pk=new.pk).update(started_at=timezone.now() - slices.KEEP_RUNS - timedelta(days=1))
    prune()
    assert set(Reconciliation.objects.values_list("pk", flat=True)) == {still_open.pk, new.pk}
    assert not Difference.objects.filter(run=decided).exists()


@pytest.mark.django_db(transaction=True)
def test_site_is_not_called_inside_a_transaction(site, place, compare_sides, monkeypatch):
    orders = place(2)
    site.site.write_raw(orders[0].bitrix_order_id, {"PRICE": "1"})
    site.site.forget_raw(orders[1].bitrix_order_id)
    in_transaction = []
    for name in ("list_orders", "get_order"):
        original = getattr(comparing.SiteClient, name)

        def call(*args, original=original, **kwargs):
            in_transaction.append(connection.in_atomic_block)
            return original(*args, **kwargs)

        monkeypatch.setattr(comparing.SiteClient, name, call)
    compare_sides(repair=True)
    assert len(in_transaction) > 3
    assert not any(in_transaction)
    assert repair.SiteClient is comparing.SiteClient
