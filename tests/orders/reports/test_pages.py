"""Tests of the pages of reports: periods, filters, comparisons, rights, and the number of queries."""

import re
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.utils import timezone

from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER, OWNER
from orders.models import Order, Shop
from orders.reports.definitions import PAGES
from tests.orders.reports.shop import make_shop
from tests.roles import browser_of, everything_but, person

pytestmark = pytest.mark.django_db
PATHS = [f"/crm/reports/{key}/" for key, *_ in PAGES]
SALES = "/crm/reports/sales/"


def text_of(client, path=SALES):
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def staff(client, manager):
    client.force_login(manager)
    return client


def make(number, day, **fields):
    given = {"status_id": "completed", "total_amount": Decimal(9000), "delivery_date": day, **fields}
    return Order.objects.create(order_number=str(number), **given)


@pytest.mark.parametrize(
    ("role", "status"),
    [(OWNER, 200), (MANAGER, 200), (ACCOUNTANT, 200), (FLORIST, 403), (DISPATCHER, 403)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_reports_belong_to_owner_manager_and_accountant(role, status):
    cache.clear()
    client = browser_of(person(role))
    sidebar = client.get("/crm/").content.decode()
    for path in PATHS:
        assert client.get(path).status_code == status
        assert (f'href="{path}"' in sidebar) == (status == 200)


def test_pages_are_only_read(staff):
    for path in PATHS:
        assert staff.post(path).status_code == 405
    assert staff.get("/crm/reports/none/").status_code == 404


def test_sums_are_hidden_from_who_may_not_see_all_prices(today):
    make(1, today)
    sees, sees_not = browser_of(everything_but("none")), browser_of(everything_but("view_all_prices"))
    for path in (SALES, f"{SALES}?by=product", "/crm/reports/refusals/"):
        assert "₸" in text_of(sees, path)
        hidden = re.sub(r'<section class="crm-report-notes".*?</section>', "", text_of(sees_not, path), flags=re.DOTALL)
        assert "₸" not in hidden
        assert "9\xa0000" not in hidden


def test_report_needs_the_right_to_see_orders(today):
    user = everything_but("view_order", "change_order")
    assert Permission.objects.filter(codename="view_report").exists()
    assert browser_of(user).get(SALES).status_code == 403


def test_period_and_filters_change_the_numbers(staff, today):
    shop = Shop.objects.create(bitrix_id=77, name="Абая")
    make(1, today, shop=shop)
    make(2, today, total_amount=Decimal(1000))
    make(3, today - timedelta(days=1), total_amount=Decimal(500))
    make(4, today, total_amount=Decimal(0), unknown_values={"total_amount": "много"})
    make(5, today, currency="USD")
    make(6, today, is_cancelled=True)
    page = text_of(staff, f"{SALES}?span=today")
    assert "10\xa0000\xa0₸" in page
    assert "Ещё 2 заказа: их суммы неизвестны или не в ₸." in page
    assert "9\xa0000\xa0₸" in text_of(staff, f"{SALES}?span=today&shop=77")
    assert "500\xa0₸" in text_of(staff, f"{SALES}?span=yesterday")
    week = f"{SALES}?from={today - timedelta(days=6)}&to={today}"
    assert "10\xa0500\xa0₸" in text_of(staff, week)


def test_totals_are_compared_with_the_period_before_and_the_year_before(staff, today):
    for number in range(3):
        make(number, today)
    for number in range(2):
        make(10 + number, today - timedelta(days=1))
    page = text_of(staff, f"{SALES}?span=today")
    assert "+50\xa0%" in page
    assert f"{today - timedelta(days=1):%d.%m.%Y}" in page
    assert "не с чем сравнить" in page


def test_row_leads_to_its_orders(staff, today):
    shop = Shop.objects.create(bitrix_id=77, name="Абая")
    make(501, today, shop=shop)
    make(502, today, shop=shop, is_cancelled=True)
    make(503, today)
    page = text_of(staff, f"{SALES}?span=today&by=shop")
    links = re.findall(r'<th scope="row"><a class="crm-link" href="([^"]+)">([^<]+)<', page)
    shown = {label: text_of(staff, url.replace("&amp;", "&")) for url, label in links}
    assert set(shown) == {"Абая", "без магазина"}
    assert "№\xa0501" in shown["Абая"]
    assert "№\xa0502" not in shown["Абая"]
    assert "№\xa0503" not in shown["Абая"]
    assert "№\xa0503" in shown["без магазина"]


def test_filters_of_the_list_show_the_row(staff, today):
    make(1, today)
    page = text_of(staff, f"{SALES}?span=today&by=weekday")
    (url,) = re.findall(r'<th scope="row"><a class="crm-link" href="([^"]+)"', page)
    query = urlsplit(url.replace("&amp;", "&")).query
    assert parse_qs(query)["counted"] == ["sold"]
    dialog = text_of(staff, f"/crm/orders/order/filters/?{query}")
    assert "по дням недели: " in dialog
    assert "не отменённые" in dialog
    assert "строка отчёта" not in text_of(staff, "/crm/orders/order/filters/?preset=all").lower()


def test_links_of_the_page_keep_the_choice(staff, today):
    page = text_of(staff, f"{SALES}?span=week&basis=order&source=admin&by=hour")
    links = [parse_qs(urlsplit(one.replace("&amp;", "&")).query)
             for one in re.findall(r'class="crm-chip" href="([^"]+)"', page)]  # fmt: skip
    assert len(links) > 10
    assert all(link["basis"] == ["order"] and link["source"] == ["admin"] for link in links)
    assert {"by": ["day"], "span": ["week"], "basis": ["order"], "source": ["admin"]} in links


@pytest.mark.parametrize(
    "query",
    ["from=x", "from=0001-01-01&to=9999-12-31", "from=2000-01-01&to=2099-01-01", "span=none&basis=none&by=none",
     "shop=1e5&city=99999999999999999999999&status=%01&source=none", "from=2026-13-45", "shop=9223372036854775807"],
)  # fmt: skip
def test_bad_choices_show_a_report(staff, query):
    for path in PATHS:
        text_of(staff, f"{path}?{query}")


@pytest.mark.parametrize(
    "row", ["x", "hour:delivery:x", "hour:none:1", "product:order:1", "day:order:2026-99-99", "hour:order:9" + "9" * 30,
            "reason:order:%01", "slot:order:", "none:order:1", "::"],
)  # fmt: skip
def test_bad_row_in_the_url_of_the_list_is_ignored(staff, row):
    text_of(staff, f"/crm/orders/order/?preset=all&counted=none&row={row}")


def test_empty_report_says_what_to_do(staff):
    for path in PATHS:
        page = text_of(staff, path)
        assert "crm-report-chart" not in page
    assert "Выберите период длиннее" in text_of(staff, SALES)


def test_number_of_queries_does_not_depend_on_the_orders(staff, today, django_assert_max_num_queries):
    counts = defaultdict(list)
    for path in (*PATHS, f"{SALES}?by=manager"):
        staff.get(path)
    make_shop(1, 60, today)
    for _round in range(2):
        for path in (*PATHS, f"{SALES}?by=manager"):
            with django_assert_max_num_queries(30) as queries:
                staff.get(path)
            counts[path].append(len(queries))
        Order.objects.bulk_create(
            Order(order_number=f"more {number}", status_id="new", delivery_date=today) for number in range(100)
        )
    assert all(len(set(found)) == 1 for found in counts.values()), counts
