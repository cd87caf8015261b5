"""Tests of the test copies of the site's database.

There are two versions of the tables, and a week of orders with all unusual data that the import must handle.
"""

from collections import Counter

import phpserialize
import pymysql
import pytest

from tests.bitrix_bridge.history.tables import TABLES, Schema
from tests.bitrix_bridge.history.week import (
    CARTS,
    ORDERS,
    REPEATED_NUMBER,
    REPEATED_NUMBER_IDS,
    SYSTEM_SHIPMENTS,
    UNKNOWN_PRODUCT,
    expected,
)

only_new = pytest.mark.parametrize("schema", [Schema.NEW])

REASONS = {
    *("no_user", "unknown_user", "no_product", "unknown_product", "no_lines", "unknown_status", "unknown_city"),
    *("unknown_shop", "unknown_slot", "unknown_pay_system", "zero_date", "no_number", "repeated_number", "unreadable"),
    *("negative_amount", "not_bought"),
    *(
        "repaired_on_site",
        "broken_on_site",
        "lost_on_site",
        "cut_text",
        "orphan_property",
        "broken_value",
        "broken_change",
    ),
}


def test_copy_has_54_orders_and_rows_that_are_not_imported(site_copy):
    def count(table: str, condition: str) -> int:
        return site_copy.execute(f"SELECT count(*) FROM {table} WHERE {condition}")[0][0]

    assert len(site_copy.execute("SHOW TABLES")) == len(TABLES) == 31
    assert count("b_sale_order", "RUNNING = 'N'") == len(ORDERS) == 54
    assert count("b_sale_order", "RUNNING = 'Y'") == 1
    assert count("b_sale_basket", "ORDER_ID IS NULL") == CARTS
    assert count("b_sale_order_delivery", "`SYSTEM` = 'Y'") == SYSTEM_SHIPMENTS == 10
    for table in ("basket", "order_props_value", "order_payment", "order_delivery", "order_change"):
        orphans = "ORDER_ID NOT IN (SELECT ID FROM b_sale_order)"
        assert count(f"b_sale_{table}", orphans) > 0, f"b_sale_{table} has no orphans"


def test_every_reason_is_expected_for_an_order_and_many_orders_have_none():
    assert len({order.id for order in ORDERS}) == 54
    for schema in Schema:
        counted = Counter(reason for order in ORDERS for reason in expected(order, schema))
        assert set(counted) == REASONS
        assert counted["unknown_product"] == 3
        assert 18 <= sum(not expected(order, schema) for order in ORDERS) <= 27


def test_reader_account_is_refused_writes(site_copy):
    with site_copy.connect("reader") as connection, connection.cursor() as cursor:
        assert cursor.execute("SELECT ID FROM b_sale_order") == 55
        for sql in ("UPDATE b_sale_order SET PRICE = 0", "DROP TABLE b_sale_order", "CREATE TABLE mine (id int)"):
            with pytest.raises(pymysql.err.OperationalError) as refused:
                cursor.execute(sql)
            assert refused.value.args[0] in (1142, 1044)


def test_old_copy_lacks_later_columns_and_emoji(site_copy, schema):
    columns = {row[0] for row in site_copy.execute("SHOW COLUMNS FROM b_sale_order_props_value")}
    values = site_copy.execute("SELECT VALUE FROM b_sale_order_props_value WHERE ORDER_ID = 122112")
    addresses = site_copy.execute(
        "SELECT VALUE FROM b_sale_order_props_value WHERE ORDER_ID = 122110 AND CODE = 'addressRecipient'"
    )
    if schema is Schema.OLD:
        assert "ENTITY_TYPE" not in columns
        assert ("С днём рождения! ????\r\nТвои ????\u200d????\r\n",) in values
        assert len(addresses) == 1
    else:
        assert "ENTITY_TYPE" in columns
        assert ("С днём рождения! 🌹\r\nТвои 👩\u200d👧\r\n",) in values
        assert len(addresses) == 2


def test_server_cuts_texts_at_the_length_of_the_column(site_copy, schema):
    sql = "SELECT char_length(VALUE) FROM b_sale_order_props_value WHERE CODE = 'postcardText' ORDER BY 1 DESC LIMIT 2"
    longest, next_longest = (row[0] for row in site_copy.execute(sql))
    assert longest == {Schema.OLD: 255, Schema.NEW: 500}[schema]
    assert next_longest < 100
    cut = site_copy.execute("SELECT ORDER_ID, DATA FROM b_sale_order_change WHERE char_length(DATA) = 512")
    assert {order for order, _ in cut} == {122154}
    for _, data in cut:
        with pytest.raises(ValueError, match="expected"):
            phpserialize.loads(data.encode())


@only_new
def test_copy_stores_repeated_numbers_and_zero_dates(site_copy):
    numbers = site_copy.execute("SELECT ID FROM b_sale_order WHERE ACCOUNT_NUMBER = %s ORDER BY ID", (REPEATED_NUMBER,))
    assert numbers == [(key,) for key in REPEATED_NUMBER_IDS]
    zero = site_copy.execute("SELECT ID, DATE_INSERT FROM b_sale_order WHERE DATE_INSERT = '0000-00-00 00:00:00'")
    assert zero == [(122137, "0000-00-00 00:00:00")]
    assert not site_copy.execute("SELECT 1 FROM b_iblock_element WHERE ID = %s", (UNKNOWN_PRODUCT,))


def test_cut_serialized_value_cannot_be_read(site_copy):
    ((value,),) = site_copy.execute(
        "SELECT VALUE FROM b_sale_order_props_value WHERE ORDER_ID = 122153 AND CODE = 'requests'"
    )
    with pytest.raises(ValueError, match=r"expected|end of stream"):
        phpserialize.loads(value.encode())
