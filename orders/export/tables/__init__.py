"""The tables that can be exported, each in its own module."""

from collections.abc import Mapping

from orders.export.table import ExportTable
from orders.export.tables.orders import ORDERS

TABLES: Mapping[str, ExportTable] = {table.key: table for table in (ORDERS,)}
"""The tables by their keys, in the order in which they are offered."""

__all__ = ["TABLES"]
