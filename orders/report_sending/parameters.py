"""Which tables can be sent by a schedule, and the parameters with which a table is exported for a period."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from orders.export.table import ExportTable
from orders.export.tables import TABLES
from orders.models import RelativePeriod, ReportRun, ReportSchedule
from orders.reports.definitions import REPORTS, Report
from orders.reports.period import Period, Span
from orders.reports.scope import FILTERS, Basis, Scope

REPORT_PREFIX, ORDER_LIST = "report_", "admin:orders_order_changelist"
"""How the keys of tables of reports begin (`report_sales_day`), and the page of the tables with orders."""
BASIS = "basis"
_SPANS: Mapping[str, Span] = {RelativePeriod.LAST_MONTH: Span.MONTH, RelativePeriod.MONTH: Span.MONTH}


def sendable_tables() -> list[ExportTable]:
    """Return the tables that have a period, so that a schedule can send them."""
    return [
        table
        for table in TABLES.values()
        if report_of(table) is not None or table.page == ORDER_LIST or table.has_period
    ]


def scope_of(schedule: ReportSchedule, run: ReportRun) -> Scope:
    """Return which orders a run is about: those of its days that match the filters of the schedule."""
    filters = {name: schedule.parameters[name] for name in FILTERS if schedule.parameters.get(name) not in (None, "")}
    basis = schedule.parameters.get(BASIS)
    return Scope(
        _SPANS.get(schedule.period, Span.DATES),
        Period(run.first_day, run.last_day),
        Basis(basis) if basis in Basis.values else Basis.DELIVERY,
        filters,
    )


def query_of(table: ExportTable, scope: Scope) -> str:
    """Return the query string of the table's page for these orders."""
    if report_of(table) is not None:
        return urlencode(_report_parameters(scope))
    if table.has_period:
        return urlencode(_days(scope))
    return urlencode(scope.list_parameters(scope.period))


def report_of(table: ExportTable) -> Report | None:
    """Return the report to which a table belongs, or None for another table."""
    if not table.key.startswith(REPORT_PREFIX):
        return None
    return REPORTS.get(table.key.removeprefix(REPORT_PREFIX).partition("_")[0])


def _days(scope: Scope) -> dict[str, str]:
    return {"from": scope.period.first.isoformat(), "to": scope.period.last.isoformat()}


def _report_parameters(scope: Scope) -> dict[str, Any]:
    return {
        "span": Span.DATES.value,
        **_days(scope),
        BASIS: scope.basis.value,
        **{name: str(value) for name, value in scope.filters.items()},
    }
