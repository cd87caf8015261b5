"""Tests of the statements of reports of a long period: their number, their settings, and the indexes that they use."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.reports.definitions import REPORTS
from orders.reports.period import Period, Span
from orders.reports.planning import LONG, SETTINGS, planned_for
from orders.reports.reading import read_any, read_totals
from orders.reports.scope import Basis, Scope
from tests.orders.reports.shop import make_shop

pytestmark = pytest.mark.django_db
TABLES = [(report.key, table.key) for report in REPORTS.values() for table in report.tables]


@pytest.fixture(scope="module")
def shop(django_db_setup, django_db_blocker):
    """Create 2,000 random orders for all tests of this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        make_shop("plans", 2000, timezone.localdate())
        connection.check_constraints()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE orders, order_items, order_events, payments")
        yield
        transaction.set_rollback(True)


def days(number):
    today = timezone.localdate()
    return Period(today - timedelta(days=number - 1), today)


def year():
    return Scope(Span.DATES, days(365), Basis.DELIVERY)


def settings():
    with connection.cursor() as cursor:
        values = {}
        for name in SETTINGS:
            cursor.execute(f"SHOW {name}")
            (values[name],) = cursor.fetchone()
        return values


def tables_read(captured):
    return [one["sql"] for one in captured if " FROM " in one["sql"]]


@contextmanager
def only_indexes():
    """Let PostgreSQL avoid scans of whole tables, which are cheapest for the few orders of a test."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        yield cursor
        transaction.set_rollback(True)


def plan_of(name, key):
    with CaptureQueriesContext(connection) as captured:
        read_any(REPORTS[name].table(key), year())
    with only_indexes() as cursor:
        cursor.execute("EXPLAIN " + tables_read(captured)[0].replace("%", "%%"))
        return "\n".join(line for (line,) in cursor.fetchall())


def test_long_period_has_settings_of_its_own_which_end_after_it():
    before = settings()
    with planned_for(days(LONG + 1)):
        assert settings() == SETTINGS
    assert settings() == before != SETTINGS
    with planned_for(days(LONG)):
        assert settings() == before


def test_settings_end_after_an_error():
    before = settings()
    with pytest.raises(ZeroDivisionError), planned_for(days(LONG + 1)):
        raise ZeroDivisionError
    assert settings() == before


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("name", "key"), TABLES)
def test_table_of_a_year_reads_orders_with_one_query(name, key):
    with CaptureQueriesContext(connection) as captured:
        table = read_any(REPORTS[name].table(key), year())
    assert table.rows
    assert table.totals
    assert sum('"orders"' in sql for sql in tables_read(captured)) == 1
    with CaptureQueriesContext(connection) as captured:
        read_totals(REPORTS[name].groupings[0], year(), year().period)
    assert len(tables_read(captured)) == 1


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("name", "key", "index"),
    [
        ("customers", "returning", "Index Only Scan using orders_customer"),
        ("delivery", "late_reason", "Index Scan using order_events_problems"),
        ("people", "courier", "payments_cash"),
        ("people", "florist", "order_events_remakes"),
        ("sales", "day", "payments_refunds"),
    ],
)
def test_table_uses_its_index(name, key, index):
    assert index in plan_of(name, key)
