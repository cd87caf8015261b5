"""Tests of the import of orders from the site's archive."""

import contextlib

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from bitrix_bridge.history.reading import Selection, count_orders, read_next, read_orders
from bitrix_bridge.history.source import Source, address
from bitrix_bridge.models import ImportRow
from bitrix_bridge.payloads.php_values import unserialize_packed
from orders.models import Order, OrderEvent
from tests.bitrix_bridge.history.site_archive import archive_order
from tests.bitrix_bridge.history.tables import Schema
from tests.bitrix_bridge.history.test_import import everything, imported, whole_database

pytestmark = pytest.mark.django_db
only_new = pytest.mark.parametrize("schema", [Schema.NEW])

ARCHIVED = (122101, 122102, 122108, 122113, 122118, 122120, 122127)
"""Orders with several payments, several values of a property, Kazakh letters, a set, and lines that were not bought."""


def imported_orders():
    return {order.bitrix_order_id: everything(order) for order in Order.objects.filter(bitrix_order_id__in=ARCHIVED)}


def reasons(bitrix_order_id):
    row = ImportRow.objects.filter(bitrix_order_id=bitrix_order_id).order_by("-run__started_at").first()
    return [reason["code"] for reason in row.reasons]


@pytest.mark.parametrize("how", [{}, {"as_json": True}, {"in_one_table": True}], ids=str)
def test_archived_order_is_imported_like_before_its_archiving(source, site_copy, how):
    imported(source, order_ids=ARCHIVED)
    before = imported_orders()
    assert len(before) == len(ARCHIVED)
    OrderEvent.objects.all().delete()
    ImportRow.objects.all().delete()
    for order in Order.objects.all():
        order.items.all().delete()
        order.delete()
    for order_id in ARCHIVED:
        archive_order(site_copy, order_id, **how)
    run = imported(source, order_ids=ARCHIVED)
    assert (run.expected, run.created, run.failed) == (len(ARCHIVED), len(ARCHIVED), 0)
    assert set(Order.objects.values_list("is_archived_on_site", "is_deleted_on_site")) == {(True, False)}
    after = imported_orders()
    for values in (*before.values(), *after.values()):
        values.pop("is_archived_on_site", None)
        # MySQL and PHP write the same number in different ways.
        for line in values["metadata"].get("set_components", []) + values["metadata"].get("not_bought", []):
            line["QUANTITY"] = float(line["QUANTITY"])
    assert after == before
    assert all("archived" in reasons(order_id) for order_id in ARCHIVED)


@only_new
def test_archived_orders_are_imported_in_the_sequence_of_ids(source, site_copy):
    """The archive and `b_sale_order` are read together, so a run has one position."""
    for order_id in (122101, 122104, 122105, 122154):
        archive_order(site_copy, order_id)
    assert count_orders(source, Selection()) == 55
    ids, after_id = [], 0
    while batch := read_next(source, Selection(), after_id=after_id, limit=4).orders:
        assert len(batch) <= 4
        ids += [order.bitrix_order_id for order in batch]
        after_id = ids[-1]
    assert ids == sorted(range(122101, 122156))
    run = imported(source)
    assert (run.expected, run.created, run.skipped, run.failed) == (55, 54, 1, 0)
    assert Order.objects.filter(is_archived_on_site=True).count() == 4
    assert OrderEvent.objects.filter(kind="archived").count() == 4
    before = whole_database()
    again = imported(source)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 54)
    after = whole_database()
    assert {table for table in before if before[table] != after[table]} == {"bitrix_import_runs", "bitrix_import_rows"}


@only_new
def test_selection_is_also_applied_to_the_archive(source, site_copy):
    for order_id in (122101, 122110):
        archive_order(site_copy, order_id)
    assert count_orders(source, Selection(order_ids=(122101,))) == 1
    assert count_orders(source, Selection(first_id=122102, count=3)) == 3
    assert [order.bitrix_order_id for order in read_orders(source, [122101, 122103]).orders] == [122101, 122103]
    assert imported(source, order_ids=(122110,)).created == 1


@only_new
def test_order_that_was_restored_from_the_archive_is_not_archived(source, site_copy):
    """Its row in `b_sale_order` is imported, and the row of the archive is ignored."""
    site_copy.execute("CREATE TABLE kept AS SELECT * FROM b_sale_order WHERE ID = 122101")
    archive_order(site_copy, 122101)
    site_copy.execute("INSERT INTO b_sale_order SELECT * FROM kept")
    run = imported(source, count=2)
    assert count_orders(source, Selection()) == 55
    assert (run.created, Order.objects.filter(is_archived_on_site=True).exists()) == (2, False)


@only_new
def test_order_known_from_a_webhook_is_marked_unless_the_crm_has_a_newer_state(source, site_copy, post_webhook):
    for order_id in (122101, 122102):
        imported(source, order_ids=(order_id,))
        archive_order(site_copy, order_id)
    version = Order.objects.get(bitrix_order_id=122102).bitrix_version
    post_webhook("order.update", {"ID": 122102, "VERSION": version + 5, "COMMENTS": "Восстановлен из архива"})
    run = imported(source, order_ids=(122101, 122102))
    assert (run.updated, run.unchanged) == (1, 1)
    marks = dict(Order.objects.values_list("bitrix_order_id", "is_archived_on_site"))
    assert marks == {122101: True, 122102: False}


@only_new
@pytest.mark.parametrize(
    "packed",
    [None, "", 'a:1:{s:5:"ORDER";a:1', 'O:8:"stdClass":0:{}', "{", "[]", "i:5;", 'a:1:{i:0;O:3:"Foo":0:{}}'],
)
def test_order_whose_packed_data_is_broken_keeps_the_columns_of_its_row(source, site_copy, packed):
    archive_id = archive_order(site_copy, 122102)
    sql = "UPDATE b_sale_order_archive_packed SET ORDER_DATA = %s WHERE ORDER_ARCHIVE_ID = %s"
    site_copy.execute(sql, [packed, archive_id])
    assert imported(source, order_ids=(122102,)).created == 1
    order = Order.objects.get()
    assert (order.order_number, order.status_id, order.is_archived_on_site) == ("122102", "finished", True)
    assert (order.total_amount, order.bitrix_user_id, order.items.count()) == (order.paid_amount, 5011, 2)
    assert order.recipient_name == ""
    assert "archived_in_part" in reasons(122102)


@only_new
def test_lost_tables_of_packed_data_are_reported(source, site_copy):
    archive_order(site_copy, 122101)
    for table in ("b_sale_order_archive_packed", "b_sale_basket_archive_packed", "b_sale_basket_archive"):
        site_copy.execute(f"DROP TABLE {table}")
    with Source(address(site_copy.url("reader"))) as new:
        assert imported(new, order_ids=(122101,)).created == 1
    assert {"archived_in_part", "no_lines"} <= set(reasons(122101))


@only_new
def test_number_of_queries_does_not_depend_on_the_number_of_archived_orders(source, site_copy, monkeypatch):
    for order_id in range(122101, 122109):
        archive_order(site_copy, order_id)
    queries = []
    query = Source.query
    monkeypatch.setattr(Source, "query", lambda self, sql, values=(): queries.append(sql) or query(self, sql, values))
    read_next(source, Selection(), after_id=0, limit=2)
    few = len(queries)
    read_next(source, Selection(), after_id=0, limit=8)
    assert len(queries) == 2 * few


@only_new
def test_check_source_counts_the_archive(source, site_copy, capsys):
    archive_order(site_copy, 122101)
    call_command("check_source")
    assert "b_sale_order_archive_packed" in capsys.readouterr().out


PHP_DATE = b'O:8:"DateTime":1:{s:4:"date";s:26:"2025-08-11 09:00:00.000000";}'


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'a:1:{s:1:"a";s:2:"\xd1\x8f";}', {"a": b"\xd1\x8f"}),
        (PHP_DATE, b"2025-08-11 09:00:00"),
        (b'O:25:"Bitrix\\Main\\Type\\DateTime":1:{s:8:"\0*\0value";%s}' % PHP_DATE, b"2025-08-11 09:00:00"),
        (b'O:21:"Bitrix\\Main\\Type\\Date":1:{s:8:"\0*\0value";%s}' % PHP_DATE, b"2025-08-11"),
        (b"a:1:{i:7;N;}", {"7": None}),
    ],
)
def test_packed_value_is_read_with_its_dates(raw, value):
    assert unserialize_packed(raw) == value


@given(st.one_of(st.binary(), st.text(alphabet='aOsidb:;{}"0123456789NR').map(str.encode)))
def test_any_packed_bytes_are_read_or_refused(raw):
    with contextlib.suppress(ValueError):
        unserialize_packed(raw)
