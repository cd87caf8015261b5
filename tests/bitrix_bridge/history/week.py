"""One week of the shop, 11 to 17 August 2025: 54 orders to import, and rows that must not be imported.

Together, the orders have all unusual data that the import must handle. Each order describes its unusual data in one
line and lists the reasons that the import reports for it. `fill` writes the week into an empty database, with the
tables of an old or a new version of Bitrix.
"""

from tests.bitrix_bridge.history.odd_orders import (
    REPEATED_NUMBER,
    REPEATED_NUMBER_IDS,
    REPORTED_ORDERS,
    UNKNOWN_PRODUCT,
)
from tests.bitrix_bridge.history.ordinary_orders import ORDINARY_ORDERS
from tests.bitrix_bridge.history.reference import Row, Rows, php, reference_rows
from tests.bitrix_bridge.history.site_order import Odd
from tests.bitrix_bridge.history.tables import TABLES, Schema, create_tables
from tests.mariadb import Copy

__all__ = ["CARTS", "GONE_ORDER", "ORDERS", "REPEATED_NUMBER", "REPEATED_NUMBER_IDS", "RUNNING", "SYSTEM_SHIPMENTS"]
__all__ += ["UNKNOWN_PRODUCT", "Odd", "expected", "fill"]

ORDERS: list[Odd] = [*ORDINARY_ORDERS, *REPORTED_ORDERS]
RUNNING = Odd(122155, "is being saved at this moment", status="N", columns={"RUNNING": "Y"})
CARTS = 3
SYSTEM_SHIPMENTS = sum(order.system_shipment for order in ORDERS)
GONE_ORDER = 121000  # This order was deleted, but its rows in other tables exist.


def expected(order: Odd, schema: Schema) -> set[str]:
    """Return the reasons that the import must report for an order in the tables of this schema."""
    return {*order.expected, *(order.expected_in_old if schema is Schema.OLD else ())}


def fill(copy: Copy, schema: Schema) -> None:
    """Create the tables in an empty database, and write the week into them.

    An old database has neither the columns of later versions nor the properties of shipments. The rows are inserted
    over a connection with the character set of the database. In an old database, it has at most three bytes for a
    character, so the four bytes of an emoji become four question marks, as on an old site.
    """
    create_tables(copy, schema)
    rows = _rows()
    copy.connection.set_character_set(schema.charset)
    try:
        for table in TABLES:
            columns = table.column_types(schema)
            copy.insert(
                table.name,
                [
                    {name: value for name, value in row.items() if name in columns}
                    for row in rows.get(table.name, [])
                    if "ENTITY_TYPE" in columns or row.get("ENTITY_TYPE") != "SHIPMENT"
                ],
            )
    finally:
        copy.connection.set_character_set("utf8mb4")


def _rows() -> Rows:
    rows = reference_rows()
    for part in (*(order.rows() for order in (*ORDERS, RUNNING)), _carts(), _orphans()):
        for table, more in part.items():
            rows.setdefault(table, []).extend(more)
    return rows


def _carts() -> Rows:
    cart: Row = {"FUSER_ID": 9500, "ORDER_ID": None, "PRODUCT_ID": 696613, "PRICE": 15000, "CURRENCY": "KZT"}
    cart |= {"DATE_INSERT": "2025-08-14 12:00:00", "DATE_UPDATE": "2025-08-14 12:00:00", "QUANTITY": 1, "LID": "s1"}
    cart |= {"NAME": "Букет «Стандарт»", "DISCOUNT_PRICE": 0}
    return {"b_sale_basket": [cart | {"ID": 1230000 + number} for number in range(CARTS)]}


def _orphans() -> Rows:
    """Return the rows that remain of a deleted order. The site's MySQL tables have no foreign keys."""
    gone = Odd(GONE_ORDER, "deleted from b_sale_order by hand", customer=5001, lines=())
    rows = gone.rows() | {
        "b_sale_basket": [_carts()["b_sale_basket"][0] | {"ID": 1210000, "ORDER_ID": GONE_ORDER}],
        "b_sale_basket_props": [{"BASKET_ID": 1209999, "NAME": "Упаковка", "CODE": "PACKAGE", "VALUE": "коробка"}],
        "b_sale_order_change": [
            {"ORDER_ID": GONE_ORDER, "TYPE": "ORDER_STATUS_CHANGED", "DATA": php({"STATUS_ID": "AP"}), "USER_ID": 15}
            | {"DATE_CREATE": "2025-08-12 10:00:00", "DATE_MODIFY": "2025-08-12 10:00:00"}
        ],
    }
    del rows["b_sale_order"]
    return rows
