"""Tests of incomplete and unusual copies of the site's database.

Tables and columns are missing, views have columns in lowercase, and encodings are old.
"""

import io

import pytest
from django.core.management import call_command

from bitrix_bridge.history import columns, importing
from bitrix_bridge.history.reading import Selection
from bitrix_bridge.history.source import Source
from orders.models import OrderItem
from tests.bitrix_bridge.history.tables import Schema

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("schema", [Schema.NEW])]
PREFIX = "gone_"


def import_counts() -> list[tuple[int, int]]:
    """Import twice, roll back, and return the numbers of imported and failed orders of each import."""
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


def test_copy_with_only_the_table_of_orders_is_imported(source, site_copy):
    for table in columns.READ.keys() - {"b_sale_order"}:
        site_copy.execute(f"DROP TABLE `{table}`")
    assert import_counts() == [(54, 0)] * 2


def test_copy_with_only_ids_of_orders_is_imported(source, site_copy):
    for name in set(present(site_copy, "b_sale_order")) - {"ID", "RUNNING"}:
        site_copy.execute(f"ALTER TABLE b_sale_order RENAME COLUMN `{name}` TO `{PREFIX}{name}`")
    assert import_counts() == [(54, 0)] * 2


@pytest.mark.parametrize("names", [{"ID"}, {"ID", "CODE", "VALUE", "ORDER_ID", "PHONE_NUMBER", "SORT", "NAME"}])
def test_copy_without_these_columns_is_imported(source, site_copy, names):
    """Columns that the import's SQL conditions use are missing: only `ID`, or all columns in `names`."""
    for table in columns.READ.keys() - {"b_sale_order"}:
        for name in names & set(present(site_copy, table)):
            site_copy.execute(f"ALTER TABLE `{table}` RENAME COLUMN `{name}` TO `{PREFIX}{name}`")
    assert import_counts() == [(54, 0)] * 2


def test_copy_of_views_with_lowercase_columns_is_imported(source, site_copy):
    for table in columns.READ:
        names = ", ".join(f"`{name}` AS `{name.lower()}`" for name in present(site_copy, table))
        site_copy.execute(f"RENAME TABLE `{table}` TO `{PREFIX}{table}`")
        site_copy.execute(f"CREATE SQL SECURITY INVOKER VIEW `{table}` AS SELECT {names} FROM `{PREFIX}{table}`")
    assert import_counts() == [(54, 0)] * 2


@pytest.mark.parametrize("encoding", ["cp1251", "latin1"])
def test_tables_in_cp1251_are_read_correctly(source, site_copy, encoding):
    """The table declares cp1251, or it declares latin1 and contains cp1251, as on old sites."""
    site_copy.execute("ALTER TABLE b_sale_basket CONVERT TO CHARACTER SET cp1251")
    if encoding == "latin1":
        site_copy.execute("ALTER TABLE b_sale_basket MODIFY NAME varbinary(255)")
        site_copy.execute("ALTER TABLE b_sale_basket MODIFY NAME varchar(255) CHARACTER SET latin1")
    with Source.configured() as reader:
        importing.work(importing.start(reader, Selection(count=1)), reader)
    assert OrderItem.objects.get(position=0).name == "Букет «Стандарт»"
