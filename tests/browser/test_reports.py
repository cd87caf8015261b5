"""Test of a report in a browser: its chart, another period, and a row that leads to its orders."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from orders.models import Order, Payment, PeakDay

pytestmark = [pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]


def make_orders():
    today = timezone.localdate()
    for number in range(24):
        order = Order.objects.create(
            order_number=str(700 + number),
            status_id="completed",
            delivery_date=today - timedelta(days=number // 3),
            total_amount=Decimal(15000 + 700 * number),
            delivery_fee=Decimal(1500),
            completed_at=timezone.now(),
            is_cancelled=number % 8 == 5,
            unknown_values={"total_amount": "?"} if number == 4 else {},
            metadata={"fields": {"REASON_CANCELED": "Клиент передумал"}},
        )
        if number % 8 == 5:
            Payment.objects.create(order=order, amount=Decimal(-5000), method="kaspi", reason="Клиент передумал")
    PeakDay.objects.create(name="Наурыз", first_day=today - timedelta(days=3), last_day=today)


def test_report_changes_its_period_and_leads_to_orders(screen):
    make_orders()
    page = screen.open("/crm/reports/sales/?span=week")
    expect(page.locator(".crm-report-chart canvas")).to_be_visible()
    screen.check()
    page.get_by_label("Период").get_by_role("link", name="Сегодня").click()
    expect(page.get_by_role("region", name="Таблица").locator("tbody tr")).to_have_count(1)
    page.get_by_label("С даты").fill((timezone.localdate() - timedelta(days=1)).isoformat())
    page.get_by_role("button", name="Показать").press("Enter")
    rows = page.get_by_role("region", name="Таблица").locator("tbody tr")
    expect(rows).to_have_count(2)
    link = rows.last.get_by_role("link")
    link.focus()
    link.press("Enter")
    for number in (700, 701, 702):
        expect(screen.row(number)).to_be_visible()
    expect(screen.row(703)).to_have_count(0)


def test_reports_fit_every_screen(screen):
    make_orders()
    for path in (
        "sales/?by=shop", "refusals/", "refusals/?by=refund", "holidays/?holiday=Наурыз&by=lead", "delivery/?by=slot",
        "people/?by=courier", "customers/",
    ):  # fmt: skip
        screen.check(f"/crm/reports/{path}")
    screen.check("/crm/orders/peakday/")
