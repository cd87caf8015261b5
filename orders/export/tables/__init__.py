"""The tables that can be exported, each in its own module."""

from collections.abc import Mapping

from orders.export.table import ExportTable
from orders.export.tables.accounting import ACCOUNTING
from orders.export.tables.items import ITEMS
from orders.export.tables.orders import ORDERS
from orders.export.tables.payments import PAYMENTS
from orders.export.tables.people import CUSTOMERS
from orders.export.tables.products import PRODUCTS
from orders.export.tables.reports import tables_of_reports

TABLES: Mapping[str, ExportTable] = {
    table.key: table for table in (ORDERS, ITEMS, CUSTOMERS, PRODUCTS, PAYMENTS, ACCOUNTING, *tables_of_reports())
}
"""The tables by their keys, in the order in which they are offered."""

__all__ = ["TABLES"]
