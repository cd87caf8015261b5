"""Test of the links of all reports through their pages: each number equals that of the list to which it leads."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.contrib import admin
from django.http import QueryDict
from django.test import RequestFactory
from django.utils import timezone

from bitrix_bridge.models import Difference, Push, Reconciliation, WebhookEvent
from orders.admin.list_query import list_queryset
from orders.models import Order, OrderEvent, PeakDay
from orders.reports.definitions import CALLS, PAGES
from tests.orders.reports.shop import make_shop

pytestmark = pytest.mark.django_db
PATHS = [*(f"/crm/reports/{key}/" for key, *_ in PAGES if key != CALLS), "/crm/reports/exchange/"]
FOLLOWED = 4
"""The number of rows of each table whose links are followed."""


@pytest.fixture
def shop():
    """Create orders, a holiday, and what passed between the CRM and the site."""
    today = timezone.localdate()
    make_shop("links", 300, today)
    for years in (0, 1):
        first = today - timedelta(days=20 + 365 * years)
        PeakDay.objects.create(name="Праздник", first_day=first, last_day=first + timedelta(days=15))
    orders = list(Order.objects.all()[:60])
    WebhookEvent.objects.bulk_create(
        WebhookEvent(event="order.update", payload={}, action=action, state=state, attempts=attempts)
        for action in WebhookEvent.Action.values
        for state in WebhookEvent.State.values
        for attempts in (1, 2)
    )
    states = ("delivered", "failed", "cancelled")
    Push.objects.bulk_create(
        Push(order=one, state=states[number % 3], attempts=1 + number % 2) for number, one in enumerate(orders)
    )
    OrderEvent.objects.bulk_create(
        OrderEvent(order=one, kind=("conflict", "refused")[number % 2], source="bitrix")
        for number, one in enumerate(orders[:7])
    )
    run = Reconciliation.objects.create(origin="page")
    Difference.objects.bulk_create(Difference(run=run, order=one) for one in orders[:5])


def list_count(url, user):
    """Return the number of rows of the list with this URL."""
    parts = urlsplit(url)
    request = RequestFactory().get(url)
    request.user = user
    model_admin = admin.site._registry[apps.get_model(*parts.path.split("/")[2:4])]
    if model_admin.model is Order:
        return list_queryset(model_admin, request, QueryDict(parts.query)).count()
    return model_admin.get_changelist_instance(request).get_queryset(request).count()


def rows_of(page):
    """Yield the links of each row of the table, with their texts. The link of the row has that of its first cell."""
    table = page.partition('class="crm-report-scroll"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    for row in table.split("<tr>")[1:]:
        head, *cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        found = [(cell, re.sub("<[^>]*>", "", cell).strip()) for cell in cells]
        links = [
            (link, text) for cell, text in [(head, found[0][1]), *found] for link in re.findall('href="([^"]+)"', cell)
        ]
        assert links or all(text in ("0", "—", "") for _cell, text in found), row
        yield links


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_each_number_equals_that_of_the_list_to_which_it_leads(path, shop, client, manager):
    client.force_login(manager)
    today = timezone.localdate()
    chosen = {"from": today - timedelta(days=30), "to": today, "holiday": "Праздник"}
    first = client.get(path, chosen).content.decode()
    tables = set(re.findall(r'class="crm-chip" href="[^"]*[?&;]by=(\w+)', first))
    assert len(tables) >= 2
    checked = 0
    for table in tables:
        found = list(rows_of(client.get(path, {**chosen, "by": table}).content.decode()))
        assert found, table
        for links in (*found[: FOLLOWED // 2], *found[-FOLLOWED // 2 :]):
            for url, text in links:
                assert str(list_count(unescape(url), manager)) == text.replace("\xa0", ""), (table, url)
                checked += 1
    assert checked > 5
