"""The HTML of the rows of the order list."""

from collections.abc import Iterable, Sequence

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from orders.admin.rows.cell_macros import cell_macro
from orders.admin.rows.columns import Column
from orders.admin.rows.row_context import OrderRow, version


def rows_html(orders: Iterable[OrderRow], columns: Sequence[Column], *, is_swap: bool = False) -> SafeString:
    """Return the rows of these orders. `is_swap` means that htmx replaces the rows of an open page."""
    makers = [(column, cell_macro(column.key)) for column in columns]
    rows = []
    for order in orders:
        cells = []
        for column, macro in makers:
            values = column.values(order)
            css = values.get("css")
            cells.append((f"c-{column.key} {css}" if css else f"c-{column.key}", macro(**values)))
        rows.append({"key": order.pk, "version": f"{order.pk.hex}-{version(order)}", "cells": cells})
    context = {"rows": rows, "is_swap": is_swap}
    # The response of Jinja2 is a plain string, with all values escaped.
    return SafeString(render_to_string("orders/rows.html", context, using="jinja2") if rows else "")
