"""The look of each hour: the orders of the last two weeks, and all that go on, as whole rows of the list."""

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
from tests.bitrix_bridge.reconciliation.test_slices import slice_by_slice

pytestmark = pytest.mark.django_db


def age(order, days, *, is_final):
    status = (
        Status.objects.filter(is_final=is_final, stage="done" if is_final else "new").exclude(bitrix_codes=[]).first()
    )
    created = timezone.now() - timedelta(days=days)
    Order.objects.filter(pk=order.pk).update(created_at=created, status=status)


def look():
    run = start_hourly()
    slice_by_slice(run)
    run.refresh_from_db()
    assert (run.state, run.error) == ("done", "")
    return run


class TestFromWhichOrderOn:
    def test_none(self, site):
        assert (first_open_id(), start_hourly()) == (None, None)

    @pytest.mark.parametrize(
        ("days", "is_final", "is_looked_at"),
        [(13, True, True), (15, True, False), (15, False, True), (400, False, True)],
    )
    def test_the_first_that_is_recent_or_goes_on(self, place, days, is_final, is_looked_at):
        old, new = place(2)
        age(old, days, is_final=is_final)
        assert first_open_id() == (old if is_looked_at else new).bitrix_order_id

    @pytest.mark.parametrize("gone", [{"is_cancelled": True}, {"is_deleted_on_site": True}])
    def test_what_is_gone_does_not_go_on(self, place, gone):
        old, new = place(2)
        age(old, 30, is_final=False)
        Order.objects.filter(pk=old.pk).update(**gone)
        assert first_open_id() == new.bitrix_order_id


def test_a_silent_change_is_found_within_the_hour(site, place):
    old, new = place(2)
    age(old, 30, is_final=True)
    site.site.write_raw(old.bitrix_order_id, {"STATUS_ID": "F"})
    for order in (old, new):
        site.site.set_property_silently(order.bitrix_order_id, "addressRecipient", "Достык 5")
    site.site.write_raw(new.bitrix_order_id, {"DATE_UPDATE": "2020-01-01 10:00:00"})
    run = look()
    assert (run.origin, run.is_repair, run.since, run.first_id) == ("hourly", True, None, new.bitrix_order_id)
    assert (found(run), outcomes(run), run.compared) == (
        {(new.bitrix_order_id, "checksum")},
        {"repaired": 1},
        1,
    )
    new.refresh_from_db()
    old.refresh_from_db()
    assert (new.delivery_address, old.delivery_address == "Достык 5") == ("Достык 5", False)


def test_an_order_of_which_no_event_has_come_is_found(site, place):
    place(1)
    placed = site.place_order()
    run = look()
    assert (run.missing_here, outcomes(run)) == (1, {"repaired": 1})
    assert Order.objects.filter(bitrix_order_id=int(placed["ID"])).exists()


def test_what_an_older_run_said_of_earlier_orders_stands(site, place, compare_sides):
    old, new = place(2)
    age(old, 30, is_final=True)
    site.site.write_raw(old.bitrix_order_id, {"PRICE": "7.0000"})
    whole = compare_sides()
    look()
    assert set(Difference.objects.filter(run=whole, bitrix_order_id=old.bitrix_order_id).values_list("outcome")) == {
        ("found",)
    }
    assert new.pk


def test_another_run_is_not_disturbed(site, place):
    place(1)
    nightly = start_nightly()
    assert start_hourly() is None
    comparisons.stop(nightly)
    hourly = start_hourly()
    assert (hourly.pk != nightly.pk, start_hourly()) == (True, None)


def test_it_is_queued(site, place, django_capture_on_commit_callbacks):
    place(1)
    OrmQ.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        run = start_hourly()
    (task,) = OrmQ.objects.all()
    assert (task.func(), run.expected) == ("bitrix_bridge.reconciliation.slices.work_slice", 1)


def test_without_a_site_there_is_nothing_to_compare(place, settings):
    place(1)
    settings.BITRIX_API_URL = ""
    assert start_hourly() is None


def test_it_is_no_whole_comparison(site, place):
    place(1)
    before = last_run.run()
    look()
    assert (last_run.run(), before.level) == (before, Level.GREEN)


def test_staff_are_not_alerted_each_hour(site, place):
    (order,) = place(1)
    site.site.write_raw(order.bitrix_order_id, {"PRICE": "даром"})
    before = TelegramMessage.objects.count()
    assert look().need_person == 1
    assert TelegramMessage.objects.count() == before


def test_orders_that_the_site_lacks_are_not_marked_bit_by_bit(site, place, monkeypatch):
    monkeypatch.setattr(repair, "MOST_DELETED", 2)
    orders = place(5)
    for order in orders[:4]:
        site.site.forget_raw(order.bitrix_order_id)
    look()
    assert Order.objects.filter(is_deleted_on_site=True).count() == 2
    assert look().need_person == 2
    assert Order.objects.filter(is_deleted_on_site=True).count() == 2
    Reconciliation.objects.update(started_at=timezone.now() - timedelta(hours=21))
    look()
    assert Order.objects.filter(is_deleted_on_site=True).count() == 4


def test_those_that_found_nothing_are_soon_forgotten(site, place):
    (order,) = place(1)
    quiet = look()
    site.site.set_property_silently(order.bitrix_order_id, "addressRecipient", "Достык 5")
    busy = look()
    nightly = start_nightly()
    work_slice(str(nightly.pk))
    Reconciliation.objects.update(started_at=timezone.now() - timedelta(days=4))
    prune()
    assert set(Reconciliation.objects.values_list("pk", flat=True)) == {busy.pk, nightly.pk}
    assert not Reconciliation.objects.filter(pk=quiet.pk).exists()


def test_the_page_says_which_orders(site, place, manager, client):
    (order,) = place(1)
    run = look()
    client.force_login(manager)
    for url in (
        reverse("admin:bitrix_bridge_reconciliation_changelist"),
        reverse("admin:bitrix_bridge_reconciliation_change", args=[run.pk]),
    ):
        assert str(order.bitrix_order_id) in client.get(url).content.decode()
    assert run.origin == Origin.HOURLY
