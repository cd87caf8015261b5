"""Copies that are half there: tables and columns missing, written in other letters or encodings, views."""

import io

import pytest
from django.core.management import call_command

from bitrix_bridge.history import columns, importing
from bitrix_bridge.history.reading import Selection
from bitrix_bridge.history.source import Source
from orders.models import OrderItem
from tests.bitrix_bridge.history.tables import Schema

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("schema", [Schema.NEW])]
GONE = "gone_"


def brought_over() -> list[tuple[int, int]]:
    """Import twice and roll back; return how many orders have come over and failed, and how many have changed again."""
    found = []
    with Source.configured() as source:
        call_command("check_source", stdout=io.StringIO())
        with importing.rolled_back():
            for _ in range(2):
                run = importing.start(source, Selection(), batch_size=60)
                importing.work(run, source)
                run.refresh_from_db()
                found.append((run.come_over, run.failed))
            assert (run.created, run.updated) == (0, 0)
    return found


def present(site_copy, table):
    return [row[0] for row in site_copy.execute(f"SHOW COLUMNS FROM `{table}`")]


def test_nothing_but_the_orders(source, site_copy):
    for table in columns.READ.keys() - {"b_sale_order"}:
        site_copy.execute(f"DROP TABLE `{table}`")
    assert brought_over() == [(54, 0)] * 2


def test_nothing_but_the_orders_ids(source, site_copy):
    for name in set(present(site_copy, "b_sale_order")) - {"ID", "RUNNING"}:
        site_copy.execute(f"ALTER TABLE b_sale_order RENAME COLUMN `{name}` TO `{GONE}{name}`")
    assert brought_over() == [(54, 0)] * 2


@pytest.mark.parametrize("names", [{"ID"}, {"ID", "CODE", "VALUE", "ORDER_ID", "PHONE_NUMBER", "SORT", "NAME"}])
def test_no_table_has_these_columns(source, site_copy, names):
    """Each column that a question is about, one or all of them."""
    for table in columns.READ.keys() - {"b_sale_order"}:
        for name in names & set(present(site_copy, table)):
            site_copy.execute(f"ALTER TABLE `{table}` RENAME COLUMN `{name}` TO `{GONE}{name}`")
    assert brought_over() == [(54, 0)] * 2


def test_views_of_columns_in_small_letters(source, site_copy):
    for table in columns.READ:
        names = ", ".join(f"`{name}` AS `{name.lower()}`" for name in present(site_copy, table))
        site_copy.execute(f"RENAME TABLE `{table}` TO `{GONE}{table}`")
        site_copy.execute(f"CREATE SQL SECURITY INVOKER VIEW `{table}` AS SELECT {names} FROM `{GONE}{table}`")
    assert brought_over() == [(54, 0)] * 2


@pytest.mark.parametrize("encoding", ["cp1251", "latin1"])
def test_tables_of_an_old_encoding(source, site_copy, encoding):
    """Declared as what they are, or as latin1, which old sites have put cp1251 into."""
    site_copy.execute("ALTER TABLE b_sale_basket CONVERT TO CHARACTER SET cp1251")
    if encoding == "latin1":
        site_copy.execute("ALTER TABLE b_sale_basket MODIFY NAME varbinary(255)")
        site_copy.execute("ALTER TABLE b_sale_basket MODIFY NAME varchar(255) CHARACTER SET latin1")
    with Source.configured() as reader:
        importing.work(importing.start(reader, Selection(count=1)), reader)
    assert OrderItem.objects.get(position=0).name == "Букет «Стандарт»"
