"""The HTML of the rows of the order list."""

from collections.abc import Iterable, Sequence

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from orders.admin.rows.columns import Column
from orders.admin.rows.row_context import OrderRow, version


def rows_html(orders: Iterable[OrderRow], columns: Sequence[Column], *, is_swap: bool = False) -> SafeString:
    """Return the rows of these orders. `is_swap` means that htmx replaces the rows of an open page.

    One rendering of a Jinja2 template makes all rows.
    """
    rows = [
        {
            "order": order,
            "version": version(order),
            "cells": [(column, column.values(order)) for column in columns],
        }
        for order in orders
    ]
    context = {"rows": rows, "is_swap": is_swap}
    # The response of Jinja2 is a plain string, with all values escaped.
    return SafeString(render_to_string("orders/rows.html", context, using="jinja2") if rows else "")
