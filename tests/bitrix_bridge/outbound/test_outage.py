"""Tests of a site that does not answer for hours: one request a minute, and everything as soon as it answers."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from bitrix_bridge.models import Push
from cvety_crm.outbox import deliver_due
from orders import services
from orders.services import NewItem

pytestmark = pytest.mark.django_db
HOURS = timedelta(hours=20)


@pytest.fixture
def pushes(site, manager):
    """Create three orders, each with a push that is due."""
    for number in range(3):
        services.create_order(items=[NewItem(name=f"Букет {number}", price=Decimal(5000))], actor=manager)
    return Push.objects.order_by("due_at", "created_at")


@pytest.fixture
def outage(settings, site):
    """Return a function that switches the site off and on."""
    address = settings.BITRIX_API_URL

    def switch(*, is_off):
        settings.BITRIX_API_URL = "http://127.0.0.1:1/bridge.php" if is_off else address

    return switch


def test_site_that_does_not_answer_is_asked_once_in_a_sweep(pushes, outage):
    outage(is_off=True)
    assert deliver_due() == 1
    assert sorted(pushes.values_list("attempts", flat=True)) == [0, 0, 1]
    assert deliver_due() == 1
    assert sorted(pushes.values_list("failures", flat=True)) == [0, 1, 1]


def test_waiting_pushes_are_sent_as_soon_as_the_site_answers(pushes, outage):
    outage(is_off=True)
    for _ in range(3):
        deliver_due()
    first = Push.objects.order_by("created_at").first()
    Push.objects.update(due_at=timezone.now() + HOURS, failures=6)
    Push.objects.filter(pk=first.pk).update(due_at=timezone.now())
    outage(is_off=False)
    assert deliver_due() == 3
    assert set(pushes.values_list("state", flat=True)) == {"delivered"}


def test_push_that_waits_for_another_reason_keeps_its_time(pushes, outage):
    later = timezone.now() + HOURS
    busy = Push.objects.order_by("created_at").last()
    Push.objects.filter(pk=busy.pk).update(due_at=later, failures=1, last_code="429")
    assert deliver_due() == 2
    busy.refresh_from_db()
    assert (busy.state, busy.due_at) == ("pending", later)


def test_page_shows_the_reason_without_a_code(pushes, outage, manager, client):
    outage(is_off=True)
    deliver_due()
    client.force_login(manager)
    page = client.get(reverse("admin:bitrix_bridge_push_changelist")).content.decode()
    assert "Сайт не отвечает" in page
    assert "-: Сайт" not in page
