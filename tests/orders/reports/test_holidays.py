"""Tests of the report of holidays against plain Python, of its links, and of the peak days."""

import random
import re
from collections import Counter
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib import admin
from django.http import QueryDict
from django.test import RequestFactory
from django.utils import timezone

from cvety_crm.roles import MANAGER
from orders.admin.list_query import list_queryset
from orders.admin.reports.page import list_url
from orders.models import Order, PeakDay, Shop
from orders.reports.holidays import HolidayTable, holidays, read_holiday, years_of
from orders.rules.lateness import due_at
from tests.orders.reports.shop import make_shop
from tests.orders.reports.test_tables import is_counted, is_sold
from tests.roles import browser_of, person

pytestmark = pytest.mark.django_db
MARCH = "8 Марта"


@pytest.fixture
def march():
    """Create random orders, most of them delivered on 6 to 9 March of three years."""
    make_shop("march", 250, timezone.localdate())
    chance = random.Random(3)
    for order in Order.objects.all():
        day = date(chance.choice((2024, 2025, 2026)), 3, chance.choice((6, 7, 7, 8, 8, 9)))
        lead = timedelta(minutes=chance.choice((20, 90, 600, 2000, 6000, 30000)))
        created = timezone.make_aware(datetime.combine(day, datetime.min.time())) + timedelta(hours=12) - lead
        Order.objects.filter(pk=order.pk).update(delivery_date=day, created_at=created)
    return years_of(MARCH)


def orders_of(peak):
    found = Order.objects.select_related("status", "delivery_slot").defer("search")
    return [order for order in found.filter(delivery_date__range=(peak.first_day, peak.last_day)) if is_sold(order)]


def test_holidays_of_five_years_are_there():
    assert holidays() == ["14 февраля", MARCH, "День матери", "1 сентября"]
    mothers = PeakDay.objects.filter(name="День матери").order_by("first_day").values_list("first_day", flat=True)
    assert [str(day) for day in mothers] == ["2023-05-14", "2024-05-12", "2025-05-11", "2026-05-10", "2027-05-09"]
    assert all(day.weekday() == 6 for day in mothers)
    last = PeakDay.objects.get(name=MARCH, first_day__year=2025)
    assert (last.first_day, last.last_day) == (date(2025, 3, 7), date(2025, 3, 8))


def test_years_are_the_sums_of_plain_python(march):
    rows = {row.key: row.values for row in read_holiday(march, {}, HolidayTable.YEARS).rows}
    assert len(rows) == 3
    for peak in march:
        orders = orders_of(peak)
        if not orders:
            assert peak.pk not in rows
            continue
        counted = [order for order in orders if is_counted(order)]
        leads = [due_at(order) - order.created_at for order in orders]
        total = sum((order.total_amount for order in counted), Decimal(0))
        assert rows[peak.pk] == {
            "orders": len(orders),
            "amount": total,
            "average": total / len(counted),
            "day": sum(lead < timedelta(days=1) for lead in leads) / len(orders),
            "hour": sum(lead < timedelta(hours=1) for lead in leads) / len(orders),
            "uncounted": len(orders) - len(counted),
        }


def test_hours_are_those_of_plain_python(march):
    table = read_holiday(march, {}, HolidayTable.HOURS)
    for column, peak in zip(table.columns, [one for one in march if orders_of(one)], strict=True):
        hours = Counter(one.delivery_slot.starts_at.hour if one.delivery_slot else None for one in orders_of(peak))
        assert column.label == str(peak.first_day.year)
        assert {row.key: count for row in table.rows if (count := row.values[column.key])} == hours
        assert table.totals[column.key] == hours.total()


@pytest.mark.parametrize("filters", [{}, {"shop": 9000}], ids=["all", "one shop"])
@pytest.mark.parametrize("table", HolidayTable)
def test_links_lead_to_exactly_the_orders(march, manager, table, filters):
    request = RequestFactory().get("/crm/orders/order/")
    request.user = manager
    found = read_holiday(march, filters, table)
    links = [(row.parameters, row.values["orders"]) for row in found.rows if row.parameters]
    links += [(link, row.values[key]) for row in found.rows for key, link in row.of_cells.items()]
    assert links
    for parameters, count in links:
        query = QueryDict(list_url(parameters).partition("?")[2])
        assert list_queryset(admin.site._registry[Order], request, query).count() == count, parameters


def test_each_table_takes_one_query(march, django_assert_num_queries):
    for table in HolidayTable:
        with django_assert_num_queries(1):
            read_holiday(march, {}, table)


def test_page_compares_years_and_filters(march, client, manager):
    client.force_login(manager)
    page = client.get("/crm/reports/holidays/", {"holiday": MARCH}).content.decode()
    assert all(f"{MARCH} {year}" in page for year in (2024, 2025, 2026))
    assert f"{MARCH} 2027" not in page
    for by in ("hour", "lead"):
        page = client.get("/crm/reports/holidays/", {"holiday": MARCH, "by": by}).content.decode()
        assert '<th scope="col">2025</th>' in page
    Shop.objects.create(bitrix_id=5, name="Пустой")
    empty = client.get("/crm/reports/holidays/", {"holiday": MARCH, "shop": "5"}).content.decode()
    assert "В дни этого праздника заказов нет" in empty
    PeakDay.objects.all().delete()
    assert "В дни этого праздника заказов нет" in client.get("/crm/reports/holidays/").content.decode()


def test_owner_edits_peak_days_and_a_manager_only_reads_them(client, manager):
    client.force_login(manager)
    form = {"name": "Наурыз", "first_day": "21.03.2026", "last_day": "20.03.2026"}
    refused = client.post("/crm/orders/peakday/add/", form)
    assert "Последний день раньше первого." in refused.content.decode()
    assert not PeakDay.objects.filter(name="Наурыз").exists()
    client.post("/crm/orders/peakday/add/", {**form, "last_day": "23.03.2026"})
    assert PeakDay.objects.get(name="Наурыз").last_day == date(2026, 3, 23)
    assert re.search("Наурыз", client.get("/crm/reports/holidays/").content.decode())
    other = browser_of(person(MANAGER))
    assert other.get("/crm/orders/peakday/").status_code == 200
    assert other.post("/crm/orders/peakday/add/", form).status_code == 403
