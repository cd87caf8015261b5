"""Tests of the comparison of orders that the site saved lately, which finds lost webhooks."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from bitrix_bridge.models import Difference, Reconciliation, WebhookEvent
from bitrix_bridge.reconciliation import recent
from bitrix_bridge.reconciliation.probes import lost_events
from bitrix_bridge.reconciliation.runs import comparisons
from bitrix_bridge.reconciliation.slices import start_hourly, start_nightly, start_recent
from bitrix_bridge.sandbox import faults
from cvety_crm.long_runs.engine import AlreadyRunningError
from cvety_crm.ops.health import Level
from notifications.models import TelegramMessage
from orders.models import Order
from tests.bitrix_bridge.reconciliation.conftest import found, outcomes
from tests.bitrix_bridge.reconciliation.test_slices import start_run, work_to_end

pytestmark = pytest.mark.django_db


def set_saved(site, order_id, minutes):
    """Let the site have saved the order this number of minutes ago."""
    saved = timezone.localtime() - timedelta(minutes=minutes)
    site.site.write_raw(order_id, {"DATE_UPDATE": saved.strftime("%Y-%m-%d %H:%M:%S")})


def run_recent():
    Reconciliation.objects.update(started_at=F("started_at") - recent.PERIOD)
    run = start_recent()
    work_to_end(run)
    run.refresh_from_db()
    return run


def place_lost(site, minutes=4):
    placed = int(site.place_order()["ID"])
    set_saved(site, placed, minutes)
    return placed


def alerts():
    return TelegramMessage.objects.filter(kind="alert").count()


def test_order_whose_webhook_was_lost_is_created(site):
    placed = place_lost(site)
    run = run_recent()
    assert (run.origin, run.state, run.missing_here, outcomes(run)) == ("recent", "done", 1, {"repaired": 1})
    assert Order.objects.filter(bitrix_order_id=placed).exists()


def test_change_whose_webhook_was_lost_is_applied(site, place):
    (order,) = place(1)
    site.site.change_status(order.bitrix_order_id, "F")
    set_saved(site, order.bitrix_order_id, 4)
    run = run_recent()
    assert (order.bitrix_order_id, "version") in found(run)
    assert set(outcomes(run)) == {"repaired"}
    order.refresh_from_db()
    assert "F" in order.status.bitrix_codes


def test_order_that_was_just_saved_is_left_to_its_webhook(site):
    placed = place_lost(site, minutes=1)
    run = run_recent()
    assert (run.on_their_way, run.differences, Order.objects.count()) == (1, 0, 0)
    set_saved(site, placed, 4)
    assert run_recent().missing_here == 1


@pytest.mark.parametrize(("state", "is_left"), [("queued", True), ("waiting", True), ("processed", False)])
def test_order_with_an_event_that_waits_is_left_to_it(site, state, is_left):
    placed = place_lost(site)
    WebhookEvent.objects.create(event="order.create", object_id=placed, payload={}, state=state, action="stored")
    assert run_recent().differences == (0 if is_left else 1)


def test_order_that_was_saved_two_hours_ago_is_left_to_the_hourly_comparison(site):
    place_lost(site, minutes=120)
    assert run_recent().compared == 0


def test_orders_saved_since_the_last_complete_comparison_are_compared(site):
    run_recent()
    Reconciliation.objects.update(started_at=timezone.now() - timedelta(hours=3))
    place_lost(site, minutes=120)
    run = start_recent()
    work_to_end(run)
    run.refresh_from_db()
    assert run.missing_here == 1


def test_comparison_without_differences_needs_one_request(site, place):
    place(3)
    before = len(site.site.requests)
    run = run_recent()
    assert (run.compared, run.agreed, len(site.site.requests) - before) == (3, 3, 1)


def test_next_comparison_starts_after_five_minutes(site):
    assert comparisons.stop(start_recent())
    assert start_recent() is None
    Reconciliation.objects.update(started_at=timezone.now() - timedelta(minutes=5))
    assert start_recent() is not None


def test_comparison_is_not_started_without_a_configured_site(settings):
    settings.BITRIX_API_URL = ""
    assert start_recent() is None


def test_other_comparisons_stop_the_recent_one_and_not_the_reverse(site, place):
    place(1)
    running = start_recent()
    assert start_nightly() is not None
    running.refresh_from_db()
    assert running.state == "stopped"
    Reconciliation.objects.filter(pk=running.pk).update(started_at=timezone.now() - timedelta(hours=1))
    assert start_recent() is None
    with pytest.raises(AlreadyRunningError):
        start_run()
    assert start_hourly() is None


def test_site_that_does_not_answer_is_asked_again_by_the_next_comparison(site):
    site.faults.give(faults.status(503), times=5)
    run = run_recent()
    assert (run.state, run.failures, alerts()) == ("failed", 0, 0)
    site.faults.clear()
    place_lost(site)
    assert run_recent().missing_here == 1


def test_only_the_newest_of_the_quiet_comparisons_is_kept(site, place):
    place(1)
    quiet = [run_recent() for _ in range(3)]
    assert set(Reconciliation.objects.values_list("pk", flat=True)) == {quiet[-2].pk, quiet[-1].pk}
    place_lost(site)
    busy = run_recent()
    run_recent()
    assert Reconciliation.objects.filter(pk=busy.pk).exists()


def test_first_lost_webhook_raises_an_alert_and_the_next_ones_are_counted(site):
    place_lost(site)
    run_recent()
    assert alerts() == 1
    assert "1 заказ" in TelegramMessage.objects.get(kind="alert").text
    place_lost(site)
    run_recent()
    assert (alerts(), Difference.objects.count()) == (1, 2)
    Difference.objects.update(created_at=timezone.now() - timedelta(hours=7))
    Reconciliation.objects.update(started_at=timezone.now() - timedelta(hours=7))
    place_lost(site)
    run_recent()
    assert alerts() == 2


def test_own_change_that_waits_for_a_person_is_no_lost_webhook(site, place):
    (order,) = place(1)
    site.site.write_raw(order.bitrix_order_id, {"PRICE": "даром"})
    set_saved(site, order.bitrix_order_id, 4)
    run = run_recent()
    assert (run.need_person, alerts(), lost_events.run().level) == (1, 0, Level.GREEN)


def test_system_status_counts_lost_webhooks(site, settings, django_assert_num_queries):
    assert (lost_events.run().level, lost_events.run().figure) == (Level.GREEN, "ещё не было")
    run_recent()
    assert lost_events.run().level == Level.GREEN
    place_lost(site)
    run_recent()
    with django_assert_num_queries(6):  # with the transaction, its time limit, and the time of the start
        found = lost_events.run()
    assert (found.level, "за сутки: 1" in found.figure, bool(found.hint)) == (Level.YELLOW, True, True)
    settings.BITRIX_API_URL = ""
    assert lost_events.run().level == Level.GREEN


def test_system_status_reports_that_nothing_was_compared_lately(site):
    run_recent()
    Reconciliation.objects.update(started_at=timezone.now() - timedelta(minutes=25))
    assert lost_events.run().level == Level.YELLOW
    start_nightly()
    assert lost_events.run().level == Level.GREEN
