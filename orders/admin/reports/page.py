"""The pages of the reports that are declared in `orders.reports.definitions`."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orders.admin.reports.chart import MOST_BARS, chart_of, is_cut
from orders.admin.reports.choice import TABLE, Choice, choices_of_filters, chosen
from orders.export.tables.reports import table_key
from orders.reports.definitions import REPORTS, Report
from orders.reports.period import Period, Span
from orders.reports.reading import Grouping, OwnTable, read_any, read_totals
from orders.reports.scope import Basis
from orders.reports.tables import Column, Kind, Row, Table, values_of
from orders.reports.texts import comparison_text, period_text, value_text
from orders.rules.visibility import may_see_orders

MOST_ROWS = 200
"""The largest number of rows on a page."""


def may_see_reports(request: HttpRequest) -> bool:
    """Return whether the user may open the reports."""
    return request.user.has_perm("orders.view_report") and may_see_orders(request.user)


@never_cache
@require_safe
def report_page(request: HttpRequest, name: str) -> HttpResponse:
    """Show a report. Raise `Http404` if there is no such report, and `PermissionDenied` if the user may not see it."""
    if not may_see_reports(request):
        raise PermissionDenied
    report = REPORTS.get(name)
    if report is None:
        raise Http404
    choice = chosen(request.GET)
    shown = report.table(request.GET.get(TABLE, ""))
    sees_sums = request.user.has_perm("orders.view_all_prices")
    table = read_any(shown, choice.scope)
    columns = shown_columns(table.columns, sees_sums)
    context = {
        **admin.site.each_context(request),
        "title": report.title,
        "notes": report.notes,
        **controls(choice, [(one.key, str(one.title)) for one in report.tables], shown.key),
        "cards": _cards(report, choice, sees_sums, table.totals if shown is report.groupings[0] else None),
        "chart": _chart(shown, table, sees_sums) if table.rows else None,
        "chart_note": chart_note(table),
        "export_table": table_key(report.key, shown.key),
        **table_context(table, columns, row_title=gettext("Row")),
    }
    return TemplateResponse(request, "orders/reports/report.html", context)


def shown_columns(columns: Iterable[Column], sees_sums: bool) -> list[Column]:
    """Return the columns, without sums for a user who may not see all of them."""
    hidden = {"uncounted"}
    return [column for column in columns if sees_sums or (column.kind != Kind.MONEY and column.key not in hidden)]


def controls(choice: Choice, tables: Iterable[tuple[str, str]], current: str) -> dict[str, Any]:
    """Return the context of the choices of the period, of the filters and of the table."""
    scope = choice.scope
    return {
        "error": choice.error,
        "spans": [
            {"label": span.label, "url": choice.span_url(span), "is_current": span == scope.span}
            for span in Span
        ],
        "kept": [("span", scope.span.value), (TABLE, current)],
        "first": scope.period.first.isoformat(),
        "last": scope.period.last.isoformat(),
        "period": period_text(scope.period),
        "bases": [(basis.value, basis.label, basis == scope.basis) for basis in Basis],
        "filters": [
            {**one, "chosen": str(scope.filters.get(one["name"], ""))} for one in choices_of_filters()
        ],
        "tables": [
            {"label": label, "url": choice.url(**{TABLE: key}), "is_current": key == current} for key, label in tables
        ],
    }  # fmt: skip


def table_context(table: Table, columns: list[Column], row_title: str) -> dict[str, Any]:
    """Return the context of the table: texts, and the URLs of the order list."""
    return {
        "table_title": table.label,
        "row_title": row_title,
        "columns": [column.label for column in columns],
        "rows": [_row(row, columns) for row in table.rows[:MOST_ROWS]],
        "more_rows": len(table.rows) - MOST_ROWS if len(table.rows) > MOST_ROWS else 0,
        "totals": [value_text(column.kind, table.totals.get(column.key)) for column in columns] if table.totals else [],
        "uncounted": _uncounted(table.uncounted, columns),
    }


def _chart(shown: Grouping | OwnTable, table: Table, sees_sums: bool) -> dict[str, str]:
    line = shown.line if sees_sums else ""
    return chart_of(table, shown.bars, line, is_sequence=shown.is_sequence)


def chart_note(table: Table) -> str:
    """Return what the chart leaves out."""
    return gettext("The chart shows the first %(count)s rows.") % {"count": MOST_BARS} if is_cut(table) else ""


def list_url(parameters: Mapping[str, str]) -> str:
    """Return the URL of the order list with these parameters."""
    return f"{reverse('admin:orders_order_changelist')}?{urlencode(parameters)}"


def _uncounted(number: int, columns: list[Column]) -> str:
    if not number or all(column.kind != Kind.MONEY for column in columns):
        return ""
    return ngettext(
        "%(count)s more order: its sum is unknown or not in ₸.",
        "%(count)s more orders: their sums are unknown or not in ₸.",
        number,
    ) % {"count": number}


def _row(row: Row, columns: list[Column]) -> dict[str, Any]:
    return {
        "label": row.label,
        "url": list_url(row.parameters) if row.parameters else row.url,
        "cells": [
            {
                "text": value_text(column.kind, row.values.get(column.key)),
                "url": list_url(row.of_cells[column.key])
                if column.key in row.of_cells
                else row.cell_urls.get(column.key, ""),
            }
            for column in columns
        ],
    }


def _cards(report: Report, choice: Choice, sees_sums: bool, known: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the totals, compared with two periods. `known` are those of the period, if they have been read."""
    first, scope = report.groupings[0], choice.scope
    columns = [one for one in shown_columns(first.columns, sees_sums) if one.key in report.headline]
    now = known or _totals(first, choice, scope.period)
    before, year_before = (_totals(first, choice, period) for period in (scope.before, scope.year_before))
    compared = ((before, scope.before), (year_before, scope.year_before))
    return [card(column, now, compared) for column in columns]


def card(
    column: Column, now: Mapping[str, Any], compared: Iterable[tuple[Mapping[str, Any], Period]]
) -> dict[str, Any]:
    """Return the context of a total, compared with those of other periods."""
    return {
        "title": column.label,
        "value": value_text(column.kind, now[column.key]),
        "compared": [_compared(column, now, then, period) for then, period in compared],
    }


def _totals(grouping: Grouping, choice: Choice, period: Period) -> Mapping[str, Any]:
    return values_of(grouping.columns, read_totals(grouping, choice.scope, period))


def _compared(column: Column, now: Mapping[str, Any], then: Mapping[str, Any], period: Period) -> dict[str, Any]:
    text = comparison_text(column.kind, now[column.key], then[column.key])
    tone = ""
    if column.more_is_better is not None and text[:1] in "+−":
        tone = "good" if text.startswith("+") == column.more_is_better else "bad"
    return {
        "text": text,
        "tone": tone,
        "value": value_text(column.kind, then[column.key]) if then[column.key] else "",
        "period": period_text(period),
    }
