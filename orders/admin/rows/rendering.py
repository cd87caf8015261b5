"""The HTML of the rows of the order list."""

from collections.abc import Iterable, Sequence

from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from orders.admin.rows.columns import Column
from orders.admin.rows.row_context import OrderRow, version

ROW = "orders/list/row.html"


def rows_html(orders: Iterable[OrderRow], columns: Sequence[Column], *, is_swap: bool = False) -> SafeString:
    """Return the rows of these orders. `is_swap` means that htmx replaces the rows of an open page.

    htmx finds table rows in a response only inside of a `template` element.
    """
    template = get_template(ROW)
    html = "".join(
        template.render(
            {
                "order": order,
                "version": version(order),
                "is_swap": is_swap,
                "cells": [(column, column.values(order)) for column in columns],
            }
        )
        for order in orders
    )
    if is_swap and html:
        html = f"<template>{html}</template>"
    return mark_safe(html)  # noqa: S308  # the template has escaped the values
