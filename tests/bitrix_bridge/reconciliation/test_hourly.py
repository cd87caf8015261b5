"""Tests of the hourly run, which compares complete rows of recent and active orders."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from bitrix_bridge.models import Difference, Reconciliation
from bitrix_bridge.reconciliation import repair
from bitrix_bridge.reconciliation.probes import last_run
from bitrix_bridge.reconciliation.runs import Origin, comparisons
from bitrix_bridge.reconciliation.slices import first_open_id, prune, start_hourly, start_nightly, work_slice
from cvety_crm.ops.health import Level
from notifications.models import TelegramMessage
from orders.models import Order, Status
from tests.bitrix_bridge.reconciliation.conftest import found, outcomes
from tests.bitrix_bridge.reconciliation.test_slices import work_to_end

pytestmark = pytest.mark.django_db


def set_age(order, days, *, is_final):
    status = (
        Status.objects.filter(is_final=is_final, stage="done" if is_final else "new").exclude(bitrix_codes=[]).first()
    )
    created = timezone.now() - timedelta(days=days)
    Order.objects.filter(pk=order.pk).update(created_at=created, status=status)


def run_hourly():
    run = start_hourly()
    work_to_end(run)
    run.refresh_from_db()
    assert (run.state, run.error) == ("done", "")
    return run


class TestFirstOpenId:
    def test_no_run_is_started_without_orders(self, site):
        assert (first_open_id(), start_hourly()) == (None, None)

    @pytest.mark.parametrize(
        ("days", "is_final", "is_included"),
        [(13, True, True), (15, True, False), (15, False, True), (400, False, True)],
    )
    def test_first_recent_or_active_order_is_found(self, place, days, is_final, is_included):
        old, new = place(2)
        set_age(old, days, is_final=is_final)
        assert first_open_id() == (old if is_included else new).bitrix_order_id

    @pytest.mark.parametrize("closed", [{"is_cancelled": True}, {"is_deleted_on_site": True}])
    def test_cancelled_or_deleted_order_is_not_active(self, place, closed):
        old, new = place(2)
        set_age(old, 30, is_final=False)
        Order.objects.filter(pk=old.pk).update(**closed)
        assert first_open_id() == new.bitrix_order_id


def test_silent_change_of_a_recent_order_is_repaired(site, place):
    old, new = place(2)
    set_age(old, 30, is_final=True)
    site.site.write_raw(old.bitrix_order_id, {"STATUS_ID": "F"})
    for order in (old, new):
        site.site.set_property_silently(order.bitrix_order_id, "addressRecipient", "Достык 5")
    site.site.write_raw(new.bitrix_order_id, {"DATE_UPDATE": "2020-01-01 10:00:00"})
    run = run_hourly()
    assert (run.origin, run.is_repair, run.since, run.first_id) == ("hourly", True, None, new.bitrix_order_id)
    assert (found(run), outcomes(run), run.compared) == (
        {(new.bitrix_order_id, "checksum")},
        {"repaired": 1},
        1,
    )
    new.refresh_from_db()
    old.refresh_from_db()
    assert (new.delivery_address, old.delivery_address == "Достык 5") == ("Достык 5", False)


def test_order_without_a_webhook_is_created(site, place):
    place(1)
    placed = site.place_order()
    run = run_hourly()
    assert (run.missing_here, outcomes(run)) == (1, {"repaired": 1})
    assert Order.objects.filter(bitrix_order_id=int(placed["ID"])).exists()


def test_differences_of_earlier_orders_stay_open(site, place, compare_sides):
    old, new = place(2)
    set_age(old, 30, is_final=True)
    site.site.write_raw(old.bitrix_order_id, {"PRICE": "7.0000"})
    whole = compare_sides()
    run_hourly()
    assert set(Difference.objects.filter(run=whole, bitrix_order_id=old.bitrix_order_id).values_list("outcome")) == {
        ("found",)
    }
    assert new.pk


def test_hourly_run_is_not_started_while_another_run_is_active(site, place):
    place(1)
    nightly = start_nightly()
    assert start_hourly() is None
    comparisons.stop(nightly)
    hourly = start_hourly()
    assert (hourly.pk != nightly.pk, start_hourly()) == (True, None)


def test_hourly_run_queues_its_first_slice(site, place, django_capture_on_commit_callbacks):
    place(1)
    OrmQ.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        run = start_hourly()
    (task,) = OrmQ.objects.all()
    assert (task.func(), run.expected) == ("bitrix_bridge.reconciliation.slices.work_slice", 1)


def test_hourly_run_is_not_started_without_a_configured_site(place, settings):
    place(1)
    settings.BITRIX_API_URL = ""
    assert start_hourly() is None


def test_hourly_run_does_not_count_for_the_probe(site, place):
    place(1)
    before = last_run.run()
    run_hourly()
    assert (last_run.run(), before.level) == (before, Level.GREEN)


def test_hourly_run_sends_no_alert(site, place):
    (order,) = place(1)
    site.site.write_raw(order.bitrix_order_id, {"PRICE": "даром"})
    before = TelegramMessage.objects.count()
    assert run_hourly().need_person == 1
    assert TelegramMessage.objects.count() == before


def test_hourly_runs_share_the_limit_of_deleted_orders(site, place, monkeypatch):
    monkeypatch.setattr(repair, "MOST_DELETED", 2)
    orders = place(5)
    for order in orders[:4]:
        site.site.forget_raw(order.bitrix_order_id)
    run_hourly()
    assert Order.objects.filter(is_deleted_on_site=True).count() == 2
    assert run_hourly().need_person == 2
    assert Order.objects.filter(is_deleted_on_site=True).count() == 2
    Reconciliation.objects.update(started_at=timezone.now() - timedelta(hours=21))
    run_hourly()
    assert Order.objects.filter(is_deleted_on_site=True).count() == 4


def test_hourly_runs_without_differences_are_pruned_earlier(site, place):
    (order,) = place(1)
    quiet = run_hourly()
    site.site.set_property_silently(order.bitrix_order_id, "addressRecipient", "Достык 5")
    busy = run_hourly()
    nightly = start_nightly()
    work_slice(str(nightly.pk))
    Reconciliation.objects.update(started_at=timezone.now() - timedelta(days=4))
    prune()
    assert set(Reconciliation.objects.values_list("pk", flat=True)) == {busy.pk, nightly.pk}
    assert not Reconciliation.objects.filter(pk=quiet.pk).exists()


def test_pages_show_the_first_order_of_the_run(site, place, manager, client):
    (order,) = place(1)
    run = run_hourly()
    client.force_login(manager)
    for url in (
        reverse("admin:bitrix_bridge_reconciliation_changelist"),
        reverse("admin:bitrix_bridge_reconciliation_change", args=[run.pk]),
    ):
        assert str(order.bitrix_order_id) in client.get(url).content.decode()
    assert run.origin == Origin.HOURLY
