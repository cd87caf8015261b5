"""Tests of fetching incomplete orders, of which the CRM has received only the status."""

from datetime import timedelta

import pytest
from django.conf import settings as project
from django.utils import timezone

from bitrix_bridge import refetch
from bitrix_bridge.refetch import refetch_due
from bitrix_bridge.sandbox import faults
from bitrix_bridge.site_client import site_orders
from orders.admin.orders.live_updates import last_change, version
from orders.models import Order, OrderEvent
from orders.services import record_refetch_attempt

pytestmark = pytest.mark.django_db


@pytest.fixture
def stubs(site, post_webhook):
    """Return three orders of which the CRM has received only the status."""
    placed = [site.place_order() for _ in range(3)]
    for order in placed:
        post_webhook("order.status.change", {"ID": order["ID"], "STATUS_ID": "N"})
    return Order.objects.order_by("bitrix_order_id")


def number_of_requests(site):
    return len([request for request in site.site.requests if request.body.get("action") == "order.get"])


def test_incomplete_orders_are_fetched(stubs):
    assert refetch_due() == 3
    assert not Order.objects.filter(is_stub=True).exists()


def test_unreadable_order_does_not_stop_the_others(stubs, monkeypatch):
    original = site_orders.read_order

    def read(data, **settings):
        if int(data["ID"]) == stubs[0].bitrix_order_id:
            raise RecursionError("odd")
        return original(data, **settings)

    monkeypatch.setattr(site_orders, "read_order", read)
    assert refetch_due() == 2


def test_run_ends_after_first_failure_of_the_site(stubs, site):
    site.faults.give(faults.status(503), times=9)
    before = len(site.site.requests)
    assert refetch_due() == 0
    assert len(site.site.requests) == before + 1


def test_each_run_starts_with_another_order(stubs, site):
    site.faults.give(faults.status(503), times=3)
    for _ in range(3):
        refetch_due()
    assert len({order.refetch_attempted_at for order in stubs.all()}) == 3
    assert None not in {order.refetch_attempted_at for order in stubs.all()}
    assert refetch_due() == 3


def test_failed_refetch_keeps_the_version_of_open_lists(stubs, site):
    site.faults.give(faults.status(503), times=2)
    before = last_change(), [version(order) for order in stubs.all()], list(OrderEvent.objects.values_list("pk"))
    assert refetch_due() == 0
    assert refetch.refetch(str(stubs[0].pk)) is False
    assert before == (
        last_change(),
        [version(order) for order in stubs.all()],
        list(OrderEvent.objects.values_list("pk")),
    )


def test_the_order_with_the_oldest_attempt_is_requested_first(stubs, site):
    now = timezone.now()
    first, second, third = (order.pk for order in stubs)
    for key, age in ((first, 1), (second, 3), (third, 2)):
        Order.objects.filter(pk=key).update(refetch_attempted_at=now - timedelta(minutes=age))
    completed = []
    for _ in range(3):
        assert refetch_due(limit=1) == 1
        completed += Order.objects.filter(is_stub=False).exclude(pk__in=completed).values_list("pk", flat=True)
    assert completed == [second, third, first]


def test_attempt_for_a_complete_order_is_not_recorded(stubs, site):
    assert refetch_due() == 3
    attempts = list(Order.objects.order_by("pk").values_list("refetch_attempted_at", flat=True))
    record_refetch_attempt(stubs[0].pk)
    assert list(Order.objects.order_by("pk").values_list("refetch_attempted_at", flat=True)) == attempts


def test_run_ends_when_its_time_is_used_up(stubs, site, monkeypatch):
    monkeypatch.setattr(refetch, "BUDGET_SECONDS", 0.0)
    assert refetch_due() == 0
    monkeypatch.setattr(refetch, "BUDGET_SECONDS", 0.3)
    site.faults.give(faults.silent())
    started = timezone.now()
    assert refetch_due() == 0
    assert timezone.now() - started < timedelta(seconds=2)


def test_old_stub_is_fetched_once_an_hour(stubs, site):
    Order.objects.update(created_at=timezone.now() - timedelta(days=2), refetch_attempted_at=timezone.now())
    assert refetch_due() == 0
    Order.objects.update(refetch_attempted_at=timezone.now() - timedelta(hours=1))
    site.faults.give(faults.status(404, body='{"success": false, "error": "none"}'))
    assert refetch_due() == 2
    assert refetch_due() == 0
    assert Order.objects.filter(is_stub=True).count() == 1


def test_delivery_runs_before_refetch_in_the_schedule():
    jobs = project.MINUTE_JOBS
    delivery = jobs.index("cvety_crm.outbox.deliver_due")
    for job in ("inbound.inbox.retry_due", "refetch.refetch_due", "reference.name_stubs"):
        assert delivery < jobs.index(f"bitrix_bridge.{job}")
