"""The tables that can be exported, each in its own module."""

from collections.abc import Iterator, Mapping
from typing import cast

from django.conf import settings
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string

from orders.export.table import ExportTable
from orders.export.tables.accounting import ACCOUNTING
from orders.export.tables.calls import tables_of_calls
from orders.export.tables.items import ITEMS
from orders.export.tables.orders import ORDERS
from orders.export.tables.payments import PAYMENTS
from orders.export.tables.people import CUSTOMERS
from orders.export.tables.products import PRODUCTS
from orders.export.tables.reports import tables_of_reports


def _tables() -> Iterator[ExportTable]:
    yield from (ORDERS, ITEMS, CUSTOMERS, PRODUCTS, PAYMENTS, ACCOUNTING)
    yield from tables_of_reports()
    yield from tables_of_calls()
    # Other apps have tables too, and this one must not import them.
    for name in settings.EXPORT_TABLES:
        yield from import_string(name)()


TABLES = cast(Mapping[str, ExportTable], SimpleLazyObject(lambda: {table.key: table for table in _tables()}))
"""The tables by their keys, in the order in which they are offered."""

__all__ = ["TABLES"]
