"""A run's life: one at a time, in slices, through pauses and deaths, stopped and gone on with."""

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


def begin(origin=Origin.PAGE, **options):
    return runs.start(origin=origin, is_repair=options.pop("repair", False), **options)


def queued():
    return OrmQ.objects.count()


def slice_by_slice(run, most=50):
    """Do what the worker does with each task, until the run has ended; return the number of slices."""
    for number in range(1, most):
        work_slice(str(run.pk))
        run.refresh_from_db()
        if run.state != "running":
            return number
    raise AssertionError("it does not end")


def test_one_at_a_time(site, manager):
    run = begin(started_by=manager)
    for origin in Origin:
        with pytest.raises(AlreadyRunningError):
            begin(origin)
    assert start_nightly() is None
    assert comparisons.stop(run)
    assert begin().pk != run.pk


def test_two_workers_do_not_both_work_on_it(site, place):
    place(1)
    run = begin()
    mine = comparisons.claim(run.pk)
    assert (mine.state, comparisons.claim(run.pk)) == ("running", None)
    work_slice(str(run.pk))  # somebody is at it
    run.refresh_from_db()
    assert run.compared == 0
    assert work(mine) is None


def test_slices(site, place, small_pages, monkeypatch, django_capture_on_commit_callbacks):
    orders = place(7)
    for order in orders[::3]:
        site.site.write_raw(order.bitrix_order_id, {"PRICE": "1"})
    ticks = count(0, 0.4)
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(slices.slice_task, "seconds", 0.5)  # time for one step
    run = begin(repair=True)
    with django_capture_on_commit_callbacks(execute=True):
        work_slice(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.compared, queued()) == ("running", 2, 1)
    assert slice_by_slice(run) > 5
    assert (run.state, run.compared, outcomes(run)) == ("done", 7, {"repaired": 3})
    assert found(run) == {(order.bitrix_order_id, "total_amount") for order in orders[::3]}


class TestKilled:
    """A worker that dies anywhere leaves a run that the next one brings to the same end."""

    @pytest.mark.parametrize("deadly", ["step", "repair", "bulk_update"])
    def test_and_taken_over(self, site, place, small_pages, monkeypatch, deadly):
        orders = place(5)
        for order in orders:
            site.site.write_raw(order.bitrix_order_id, {"PRICE": "1"})
        run = begin(repair=True)
        calls = []

        def dies(honest):
            def call(*args, **kwargs):
                calls.append(1)
                if len(calls) == 3:
                    raise SystemExit  # as a signal would, nothing is tidied up
                return honest(*args, **kwargs)

            return call

        if deadly == "bulk_update":  # after the order was repaired, before that is noted
            manager = Difference.objects
            monkeypatch.setattr(type(manager), "bulk_update", dies(type(manager).bulk_update))
        else:
            monkeypatch.setattr(slices, deadly, dies(getattr(slices, deadly)))
        with pytest.raises(SystemExit):
            work_slice(str(run.pk))
        monkeypatch.undo()
        assert not pick_up()  # its lease still holds
        Reconciliation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert pick_up()
        slice_by_slice(run)
        assert (run.state, run.compared, run.differences, outcomes(run)) == ("done", 5, 5, {"repaired": 5})
        assert set(Order.objects.values_list("total_amount", flat=True)) == {1}

    def test_the_command_line_is_not_taken_over(self, site, place):
        place(1)
        run = begin(Origin.COMMAND)
        comparisons.claim(run.pk)
        Reconciliation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert not pick_up()
        run.refresh_from_db()
        assert (run.state, bool(run.error)) == ("failed", True)
        assert comparisons.resume(run, is_claimed=False, origin=Origin.PAGE)
        slice_by_slice(run)
        assert (run.state, run.compared) == ("done", 1)

    def test_nobody_takes_it_over(self, site):
        run = begin()
        comparisons.claim(run.pk)
        Reconciliation.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        assert begin().pk != run.pk
        run.refresh_from_db()
        assert run.state == "failed"


def test_stopped_in_the_middle(site, place, small_pages):
    place(5)
    run = begin()
    mine = comparisons.claim(run.pk)
    comparing.step(mine, comparing.SiteClient())
    assert comparisons.stop(run)
    assert not comparisons.stop(run)
    with pytest.raises(LeaseLostError):
        work(mine)
    run.refresh_from_db()
    assert (run.state, run.compared) == ("stopped", 2)
    assert comparisons.resume(run, is_claimed=False, origin=Origin.PAGE)
    assert not comparisons.resume(run, is_claimed=False, origin=Origin.PAGE)
    slice_by_slice(run)
    assert (run.state, run.compared, run.agreed) == ("done", 5, 5)


class TestTheSiteIsDown:
    def test_it_comes_back(self, site, place, small_pages):
        place(5)
        run = begin()
        mine = comparisons.claim(run.pk)
        comparing.step(mine, comparing.SiteClient())
        site.faults.give(faults.status(503), times=2)
        assert work(mine) == comparisons.retry_delays[0]
        assert work(mine) == comparisons.retry_delays[1]
        assert work(mine) is None
        run.refresh_from_db()
        assert (run.state, run.compared, run.agreed, run.failures) == ("done", 5, 5, 0)

    def test_a_slice_ends_with_the_pause(self, site, place):
        place(1)
        run = begin()
        site.faults.give(faults.status(503))
        work_slice(str(run.pk))
        run.refresh_from_db()
        pause = run.lease_until - timezone.now()
        assert (run.state, queued()) == ("running", 0)
        assert timedelta(0) < pause <= comparisons.retry_delays[0]
        assert not pick_up()
        Reconciliation.objects.update(lease_until=timezone.now())
        assert pick_up()

    def test_it_does_not(self, site, place, small_pages):
        orders = place(3)
        run = begin(Origin.SCHEDULE)
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
        slice_by_slice(run)
        assert (run.state, run.compared) == ("done", 3)

    def test_in_the_middle_of_a_repair(self, site, place):
        for order in place(3):
            site.site.write_raw(order.bitrix_order_id, {"PRICE": "1"})
        run = begin(repair=True)
        mine = comparisons.claim(run.pk)
        site.faults.give(faults.status(503), action="order.get")
        assert work(mine) == comparisons.retry_delays[0]
        assert outcomes(run) == {"found": 3}
        assert work(mine) is None
        assert outcomes(run) == {"repaired": 3}

    @pytest.mark.parametrize("fault", [faults.status(401), faults.redirect()])
    def test_settings_that_are_wrong_fail_at_once(self, site, fault):
        run = begin()
        site.faults.give(fault)
        work_slice(str(run.pk))
        run.refresh_from_db()
        assert (run.state, "BITRIX_API" in run.error) == ("failed", True)


def test_an_endpoint_that_only_creates(settings):
    with Sandbox(api_token=settings.BITRIX_API_TOKEN, legacy_bridge=True) as old:
        settings.BITRIX_API_URL = old.bridge_url
        for night in range(2):
            run = start_nightly()
            work_slice(str(run.pk))
            run.refresh_from_db()
            assert (run.state, "bitrix_bridge/php" in run.error) == ("failed", True)
            assert TelegramMessage.objects.filter(kind="alert").count() == 1, night  # not every night
        assert old.site.all_orders() == []


def test_a_mistake_of_ours_fails_the_run(site, place, monkeypatch):
    place(1)
    run = begin()
    monkeypatch.setattr(comparing, "compare", lambda *_args, **_options: 1 / 0)
    site.site.write_raw(Order.objects.get().bitrix_order_id, {"PRICE": "1"})
    work_slice(str(run.pk))
    run.refresh_from_db()
    assert (run.state, "ZeroDivisionError" in run.error) == ("failed", True)


class TestAtNight:
    def test_it_repairs_and_tells_staff_what_is_left(self, site, place, manager, django_capture_on_commit_callbacks):
        easy, hard = place(2)
        site.site.write_raw(easy.bitrix_order_id, {"PRICE": "1"})
        Order.objects.filter(pk=hard.pk).update(status="accepted")
        site.site.write_raw(hard.bitrix_order_id, {"STATUS_ID": "DE"})
        TelegramMessage.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            run = start_nightly()
        assert (run.origin, run.is_repair, queued()) == ("schedule", True, 1)
        slice_by_slice(run)
        assert (run.repaired, run.need_person) == (1, 1)
        assert "ждёт решения" in TelegramMessage.objects.get(kind="alert").text

    def test_nothing_is_said_when_all_is_well(self, site, place):
        place(1)
        run = start_nightly()
        slice_by_slice(run)
        assert not TelegramMessage.objects.filter(kind="alert").exists()

    def test_no_site(self, settings):
        settings.BITRIX_API_URL = settings.BITRIX_REST_URL = ""
        assert (start_nightly(), Reconciliation.objects.count()) == (None, 0)


def test_the_lease_is_longer_than_a_step_and_the_pauses():
    assert max(comparisons.retry_delays) < comparisons.lease < comparisons.pick_up_within
    assert slices.SLICE_SECONDS < 60


def test_old_runs_are_pruned(site, place, compare_sides):
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
def test_nothing_asks_the_site_inside_a_transaction(site, place, compare_sides, monkeypatch):
    orders = place(2)
    site.site.write_raw(orders[0].bitrix_order_id, {"PRICE": "1"})
    site.site.forget_raw(orders[1].bitrix_order_id)
    asked = []
    for name in ("list_orders", "get_order"):
        honest = getattr(comparing.SiteClient, name)

        def call(*args, honest=honest, **kwargs):
            asked.append(connection.in_atomic_block)
            return honest(*args, **kwargs)

        monkeypatch.setattr(comparing.SiteClient, name, call)
    compare_sides(repair=True)
    assert len(asked) > 3
    assert not any(asked)
    assert repair.SiteClient is comparing.SiteClient
