"""Tests of the report of the exchange against plain Python, of its links, and of who may see it."""

import random
import re
import statistics
from collections import defaultdict
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from bitrix_bridge.admin.exchange_tables import CONFLICTS, FROM_SITE, TABLES, TO_SITE, read_exchange
from bitrix_bridge.models import Difference, Push, Reconciliation, WebhookEvent
from cvety_crm.roles import ACCOUNTANT, FLORIST, MANAGER, OWNER
from orders.exceptions import NotAllowedError
from orders.export.files import open_export
from orders.export.request import ExportRequest
from orders.models import Order, OrderEvent
from orders.reports.period import Period, Span, period_of
from orders.reports.tables import Kind
from tests.roles import browser_of, everything_but, person
from tests.samples import order_data

pytestmark = pytest.mark.django_db
PAGE = "/crm/reports/exchange/"
DIFFERENCES = "/crm/bitrix_bridge/difference/"
MODELS = {"from_site": WebhookEvent, "to_site": Push, "conflicts": OrderEvent}


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def exchange(today):
    """Create 600 random events, pushes, timeline entries and differences, some of them around midnight."""
    chance = random.Random(7)
    moments = [
        timezone.make_aware(datetime.combine(today - timedelta(days=chance.randrange(40)), clock))
        for clock in (chance.choice((time(0), time(23, 59, 59), time(chance.randrange(24)))) for _ in range(600))
    ]
    orders = [Order(order_number=str(number), status_id="new") for number in range(600)]
    Order.objects.bulk_create(orders)
    rows: dict[Any, list[Any]] = defaultdict(list)
    run = Reconciliation.objects.create(origin="page")
    for order, at in zip(orders, moments, strict=True):
        lag = timedelta(seconds=chance.choice((-2, 1, 5, 60, 4000)))
        rows[WebhookEvent].append(
            WebhookEvent(
                event="order.update", payload={}, created_at=at, order=order, attempts=chance.choice((1, 1, 3)),
                action=chance.choice(WebhookEvent.Action.values), state=chance.choice(WebhookEvent.State.values),
                changed_at=chance.choice((None, at)), processed_at=chance.choice((None, at + lag)),
            )
        )  # fmt: skip
        state = chance.choice(("delivered", "failed", "cancelled", "pending"))
        finished = at + abs(lag) if state != "pending" else None
        rows[Push].append(
            Push(order=order, created_at=at, state=state, attempts=chance.choice((1, 2)), finished_at=finished)
        )
        kind = chance.choice(("conflict", "refused", "sent", "status"))
        rows[OrderEvent].append(OrderEvent(order=order, kind=kind, source="bitrix", created_at=at))
        if chance.random() < 0.3:
            rows[Difference].append(Difference(run=run, order=order, created_at=at))
    for model, found in rows.items():
        model.objects.bulk_create(found)
    return {model: list(model.objects.all()) for model in rows}


def list_count(url, user):
    """Return the number of rows of the list with this URL."""
    request = RequestFactory().get(url)
    request.user = user
    model_admin = admin.site._registry[apps.get_model(*urlsplit(url).path.split("/")[2:4])]
    return model_admin.get_changelist_instance(request).get_queryset(request).count()


def by_day(rows):
    found = defaultdict(list)
    for row in rows:
        found[timezone.localdate(row.created_at)].append(row)
    return found


def lags(values):
    """Return the median, and the value below which 95 % are, interpolated as PostgreSQL does."""
    if not values:
        return {"median": None, "most": None}
    values = sorted(value.total_seconds() for value in values)
    place = 0.95 * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    most = values[low] + (values[high] - values[low]) * (place - low)
    return {"median": timedelta(seconds=statistics.median(values)), "most": timedelta(seconds=most)}


def from_site(rows):
    new = [row for row in rows if row.action in ("created", "updated", "status_changed")]
    timed = [row.processed_at - row.changed_at for row in new if row.processed_at and row.changed_at]
    return {
        "all": len(rows),
        "new": len(new),
        "repeated": sum(row.attempts > 1 for row in rows),
        "open": sum(row.state != "processed" for row in rows),
        "refused": sum(row.action == "refused" for row in rows),
        **lags([length for length in timed if length >= timedelta(0)]),
    }


def to_site(rows):
    delivered = [row for row in rows if row.state == "delivered"]
    return {
        "all": len(rows),
        "delivered": len(delivered),
        "repeated": sum(row.attempts > 1 for row in rows),
        "failed": sum(row.state == "failed" for row in rows),
        "cancelled": sum(row.state == "cancelled" for row in rows),
        **lags([row.finished_at - row.created_at for row in delivered]),
    }


def rounded(values):
    """Return the values with durations in tenths of a second, because both sides interpolate with floats."""
    return {
        key: round(value.total_seconds(), 1) if isinstance(value, timedelta) else value for key, value in values.items()
    }


@pytest.mark.parametrize(("table", "expected"), [(FROM_SITE, from_site), (TO_SITE, to_site)], ids=["from", "to"])
def test_table_is_the_sums_of_plain_python(exchange, today, table, expected):
    period = Period(today - timedelta(days=30), today)
    rows = [one for one in exchange[MODELS[table.key]] if timezone.localdate(one.created_at) >= period.first]
    days, found = by_day(rows), read_exchange(table, period)
    assert len(found.rows) == 31
    for row in found.rows:
        assert rounded(row.values) == rounded(expected(days[row.key])), row.label
    assert rounded(found.totals) == rounded(expected(rows))


def test_conflicts_and_differences_are_counted_by_day(exchange, today):
    period = Period(today - timedelta(days=30), today)
    events, differences = by_day(exchange[OrderEvent]), by_day(exchange[Difference])
    found = read_exchange(CONFLICTS, period)
    for row in found.rows:
        kinds = [event.kind for event in events[row.key]]
        assert dict(row.values) == {
            "conflicts": kinds.count("conflict"),
            "refusals": kinds.count("refused"),
            "differences": len(differences[row.key]),
        }
    assert found.totals == {key: sum(row.values[key] for row in found.rows) for key in found.totals}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.key)
def test_links_lead_to_as_many_rows(exchange, today, table, manager):
    first, counts = table.columns[0].key, [one.key for one in table.columns if one.kind == Kind.COUNT]
    for row in read_exchange(table, Period(today - timedelta(days=9), today)).rows:
        assert {first, *row.cell_urls} >= {key for key in counts if row.values[key]}
        for key, url in [(first, row.url), *row.cell_urls.items()]:
            assert list_count(url, manager) == row.values[key], url


def test_links_to_lists_that_the_user_may_not_open_are_left_out(exchange, today):
    browser = browser_of(everything_but("view_reconciliation", "change_reconciliation"))
    page = browser.get(PAGE, {"by": "conflicts", "span": "month"}).content.decode()
    assert "/bitrix_bridge/difference/" not in page
    assert "/orders/orderevent/" in page
    assert browser.get(DIFFERENCES).status_code == 403


def test_list_of_differences_shows_both_sides_and_leads_to_the_comparison(client, manager, django_assert_num_queries):
    run = Reconciliation.objects.create(origin="page")
    order = Order.objects.create(order_number="501", status_id="new")
    Difference.objects.create(run=run, order=order, field="recipient_phone", ours="+77771234567", theirs="+77017654321")
    lost = Difference.objects.create(run=run, bitrix_order_id=777, kind="missing_here")
    client.force_login(manager)
    page = client.get(DIFFERENCES).content.decode()
    for text in ("№\xa0501", "ID\xa0777", "нет", "есть", f"/bitrix_bridge/difference/{lost.pk}/change/"):
        assert text in page, text
    assert "1234567" in page.replace(" ", "").replace("\xa0", "").replace("-", "")
    cautious = browser_of(everything_but("view_phones")).get(DIFFERENCES).content.decode()
    assert "123" not in cautious.partition("<tbody")[2].replace(" ", "").replace("501", "")
    response = client.get(f"{DIFFERENCES}{lost.pk}/change/")
    assert response["Location"].startswith(f"/crm/bitrix_bridge/reconciliation/{run.pk}/change/")
    for number in range(20):
        Difference.objects.create(run=run, bitrix_order_id=number, field="status", ours="new", theirs="done")
    request = RequestFactory().get(DIFFERENCES)
    request.user = manager
    manager.get_all_permissions()
    with django_assert_num_queries(2):
        admin.site._registry[Difference].get_changelist_instance(request)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.key)
def test_table_takes_one_query_for_its_rows_and_one_for_the_totals(exchange, today, table, django_assert_num_queries):
    with django_assert_num_queries(2):
        read_exchange(table, Period(today - timedelta(days=30), today))


def test_event_has_the_time_of_the_change_on_the_site(post_webhook):
    post_webhook("order.create", order_data())
    changed = WebhookEvent.objects.get().changed_at
    assert timezone.localtime(changed).isoformat() == "2025-08-24T12:00:01+05:00"


def test_page_shows_each_table_with_its_chart(exchange, client, manager):
    client.force_login(manager)
    for key in TABLES:
        page = client.get(PAGE, {"by": key, "span": "quarter"}).content.decode()
        assert "crm-report-chart" in page
        assert "Что означают числа" in page
    connection.cursor().execute("DELETE FROM bitrix_webhook_events")
    assert "crm-report-chart" not in client.get(PAGE).content.decode()
    assert client.get(PAGE, {"from": "x", "by": "none"}).status_code == 200
    assert client.post(PAGE).status_code == 405


@pytest.mark.parametrize(
    ("role", "status"), [(OWNER, 200), (MANAGER, 200), (ACCOUNTANT, 403), (FLORIST, 403)], ids=lambda one: str(one)[:20]
)
def test_page_is_for_users_who_may_see_reports_and_the_exchange(role, status):
    client = browser_of(person(role))
    assert client.get(PAGE).status_code == status
    assert (f'href="{PAGE}"' in client.get("/crm/").content.decode()) == (status == 200)


def test_links_of_the_page_are_those_of_the_rows(exchange, client, manager, today):
    client.force_login(manager)
    page = client.get(PAGE, {"span": "today", "by": "to_site"}).content.decode()
    (url,) = re.findall(r'<th scope="row"><a class="crm-link" href="([^"]+)"', page)
    query = parse_qs(urlsplit(url.replace("&amp;", "&")).query)
    assert query == {"created_at_from": [f"{today:%d.%m.%Y}"], "created_at_to": [f"{today:%d.%m.%Y}"]}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.key)
def test_file_has_the_values_of_the_page(exchange, today, table, client, manager):
    key = f"report_exchange_{table.key}"
    export = open_export(ExportRequest(key, "csv", "span=quarter", (), manager.pk))
    rows = [row for block in export.blocks() for row in zip(*block, strict=True)]
    shown = read_exchange(table, period_of(Span.QUARTER, today))
    assert rows == [(row.label, *(row.values[column.key] for column in table.columns)) for row in shown.rows]
    client.force_login(manager)
    page = client.get(PAGE, {"by": table.key, "span": "quarter"}).content.decode()
    assert f"table={key}&amp;query=by%3D{table.key}%26span%3Dquarter" in page
    with pytest.raises(NotAllowedError):
        open_export(ExportRequest(key, "csv", "", (), person(ACCOUNTANT).pk))
