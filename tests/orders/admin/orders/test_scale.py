"""Tests of the order list with a large table: no query scans the whole table."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.many_orders import make_orders
from cvety_crm.users import User
from orders.models import Order
from orders.selectors.presets import BY_KEY, PRESETS, Moment, preset_orders
from tests.orders.admin.conftest import LIST, numbers

FEW, MANY = 10_000, 50_000
MOST_STATEMENTS = 20  # when the counts of the sidebar are cached
LARGE = ("orders", "order_items")


@pytest.fixture
def many_orders(manager: User) -> Client:
    """Return a browser in which a superuser is logged in, after 50,000 orders were created."""
    make_orders(1, MANY)
    client = Client()
    client.force_login(manager)
    return client


def _queries(client: Client, **query: str) -> tuple[bytes, list[str]]:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(LIST, query)
    assert answer.status_code == 200, query
    return answer.content, [one["sql"] for one in captured if one["sql"].startswith(("SELECT", "SET LOCAL"))]


def _scans(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        if sql.startswith("SET LOCAL"):
            cursor.execute(sql)  # this setting changes the plans of the following queries
            return []
        cursor.execute("EXPLAIN " + sql.replace("%", "%%"))
        plan = "\n".join(row[0] for row in cursor.fetchall())
    # The planner may scan the customers that are joined to a page of orders. It must not scan them in a query of
    # customers alone.
    large = {*LARGE, "users"} if ' FROM "users"' in sql else set(LARGE)
    return [table for table in re.findall(r"Seq Scan on (\w+)", plan) if table in large]


ASKED = [
    *({"preset": preset.key} for preset in PRESETS),
    {"date": timezone.localdate().isoformat()},
    {"preset": "all", "p": "40"},
    {"preset": "all", "o": "1"},
    {"q": "49999"},
    {"q": "4567"},
    {"q": "8 (701) 123-45-67"},
    {"q": "мария"},
    {"q": "букет"},
    {"q": "пионы"},
    {"q": "ерлан"},
    {"q": "букет", "preset": "today"},
    {"q": "абая 150"},
    {"status__code__exact": "accepted"},
    {"stage": "done"},
    {"stage": "problem"},
    {"city__bitrix_id__exact": "99"},
    {"city__bitrix_id__exact": "2"},
    {"shop__bitrix_id__exact": "17008"},
    {"sync_state__exact": "failed"},
    {"source__exact": "admin"},
    {"source__exact": "api"},
    {"problem": "stub"},
    {"problem": "status"},
    {"problem": "deleted"},
    {"problem": "cancelled"},
    {"problem": "undated"},
    {"florist": "1"},
    {"courier__id__exact": "00000000-0000-0000-0000-000000000001"},
    {"delivery_date_from": "01.01.2026", "delivery_date_to": "31.01.2026"},
]


@pytest.mark.parametrize(
    ("preset", "indexes"),
    [
        ("late", {"orders_delivery", "orders_backdated"}),
        ("unpaid", {"orders_not_paid", "orders_backdated"}),
    ],
)
def test_preset_of_current_orders_uses_its_indexes(manager, preset, indexes):
    make_orders(1, FEW)
    found = preset_orders(BY_KEY[preset], Moment.of(manager), Order.objects.order_by())
    plan = found.explain()
    # A join to a small table may use an index too.
    assert indexes <= set(re.findall(r"Index Scan (?:using|on) (\w+)", plan)), plan
    assert "Seq Scan on orders" not in plan


# All queries are in one test, because creating the orders takes longer than running the queries.
@pytest.mark.slow
@pytest.mark.usefixtures("template_contexts")
@pytest.mark.django_db
def test_list_queries_scan_no_large_table(many_orders):
    # This shows that the function detects a scan.
    assert _scans("SELECT * FROM orders WHERE comment = 'x'") == ["orders"]
    many_orders.get("/crm/")
    found = {}
    for query in ASKED:
        content, statements = _queries(many_orders, **query)
        scans = [(table, sql[-300:]) for sql in statements for table in _scans(sql)]
        if scans or len(statements) > MOST_STATEMENTS:
            found[str(query)] = (len(statements), scans)
        if query in ({"preset": "today"}, {"preset": "archive"}, {"q": "49999"}, {"q": "мария"}):
            assert numbers(content), query
    assert not found

    head = many_orders.get(LIST).context["list_head"]
    with CaptureQueriesContext(connection) as captured:
        many_orders.get(f"{LIST}pulse/", {"since": head["stamp"], "changed": "something else", "preset": "today"})
        many_orders.get("/crm/search/", {"extended": "1", "s": "мария"})
    statements = [one["sql"] for one in captured if one["sql"].startswith(("SELECT", "SET LOCAL"))]
    assert not [sql for sql in statements if _scans(sql)]
