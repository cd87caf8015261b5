"""Test of a report in a browser: its chart, another period, and a row that leads to its orders."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from bitrix_bridge.models import Push
from orders.models import Customer, DeliverySlot, Order, Payment, PeakDay

pytestmark = [pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]


def make_orders():
    today = timezone.localdate()
    for number in range(24):
        customer = None
        if number < 3:
            given = {"name": f"Айгерим {number}", "phone": f"+770112345{number:02}", "birthday": today}
            customer = Customer.objects.create(**given)
        order = Order.objects.create(
            customer=customer,
            recipient_name="Мама",
            postcard_text="С днём рождения, мама!",
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
        "people/?by=courier", "customers/", "calls/?by=birthday",
    ):  # fmt: skip
        screen.check(f"/crm/reports/{path}")
    screen.check("/crm/orders/peakday/")


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_new_reports_change_their_period_and_lead_to_what_they_count(screen):
    make_orders()
    slot = DeliverySlot.objects.create(bitrix_id="s9", name="9:00–11:00", daily_capacity=2)
    Order.objects.filter(order_number__in=("700", "701", "702")).update(delivery_slot=slot)
    Push.objects.create(order=Order.objects.get(order_number="700"))
    table = screen.page.get_by_role("region", name="Таблица")
    page = screen.open("/crm/reports/delivery/?by=load&span=week")
    page.get_by_label("Период").get_by_role("link", name="Сегодня").click()
    expect(page.locator(".crm-report-chart canvas")).to_be_visible()
    expect(table.locator("tbody tr", has_text="9:00–11:00")).to_contain_text("150")
    table.get_by_role("link", name="9:00–11:00").click()
    for number in (700, 701, 702):
        expect(screen.row(number)).to_be_visible()
    expect(screen.row(703)).to_have_count(0)
    page = screen.open("/crm/reports/exchange/?by=to_site&span=today")
    expect(page.locator(".crm-report-chart canvas")).to_be_visible()
    table.locator("tbody").get_by_role("link").first.click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)


@pytest.mark.parametrize("size", ["phone"], indirect=True)
def test_call_is_recorded_and_undone_on_a_phone(screen):
    make_orders()
    page = screen.open("/crm/reports/calls/?by=birthday&days=0")
    row = page.locator(".crm-calls > li", has_text="Айгерим 1")
    row.get_by_text("Позвонили", exact=True).click()
    row.get_by_label("Примечание").fill("просила в мае")
    row.get_by_role("button", name="Сохранить").click()
    expect(row).to_contain_text("позвонили: ")
    expect(row).to_contain_text("просила в мае")
    row.get_by_role("button", name="Отменить").click()
    expect(row.get_by_text("Позвонили", exact=True)).to_be_visible()
    row.get_by_role("link", name="WhatsApp").click()
    expect(page.get_by_role("link", name="WhatsApp: С днём рождения")).to_have_attribute(
        "href", re.compile(r"^https://wa\.me/77011234501\?text=")
    )
