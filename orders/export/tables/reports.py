"""The tables of reports, with the same values as on their pages."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.http import QueryDict
from django.utils.module_loading import import_string
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.export.cells import Cell, Kind
from orders.export.reader import Reader
from orders.export.table import Block, Column, Content, ExportTable, Fact
from orders.export.tables.rights import may_export_reports
from orders.reports import tables as report_tables
from orders.reports.definitions import HOLIDAYS, REPORTS, Report
from orders.reports.holidays import (
    LABELS,
    MOST_YEARS,
    YEAR_COLUMNS,
    HolidayTable,
    holidays,
    read_holiday,
    year_key,
    years_of,
)
from orders.reports.reading import Grouping, OwnTable, read_any
from orders.reports.scope import Scope

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise  # the stubs are not installed in production

LABEL = "label"
"""The key of the first column, with the names of the rows."""
_UNCOUNTED = "uncounted"
_KINDS = {
    report_tables.Kind.COUNT: Kind.NUMBER,
    report_tables.Kind.MONEY: Kind.MONEY,
    report_tables.Kind.SHARE: Kind.SHARE,
    report_tables.Kind.DURATION: Kind.DURATION,
}


def table_key(report: str, table: str) -> str:
    """Return the key of the table of a report. `table` is its key in the URL of the page."""
    return f"report_{report}_{table}"


def tables_of_reports() -> Iterator[ExportTable]:
    """Yield the tables of all reports."""
    for report in REPORTS.values():
        for table in report.tables:
            yield _table_of(report, table)
    for kind in HolidayTable:
        yield _table_of_holidays(kind)


def _table_of(report: Report, shown: Grouping | OwnTable) -> ExportTable:
    def find(reader: Reader, query: QueryDict) -> Content:
        scope, facts = report_scope(query)
        return content_of(read_any(shown, scope), reader, facts)

    return ExportTable(
        table_key(report.key, shown.key),
        format_lazy("{report}: {table}", report=report.title, table=shown.title),
        columns_of(shown.columns),
        may_export_reports,
        find,
        file_name=f"otchet-{report.key}",
        page="report",
        page_arguments=(report.key,),
    )


def _table_of_holidays(kind: HolidayTable) -> ExportTable:
    def find(reader: Reader, query: QueryDict) -> Content:
        names = holidays()
        wanted = str(query.get("holiday", ""))
        name = wanted if wanted in names else names[0] if names else ""
        scope, facts = report_scope(query)
        table = read_holiday(years_of(name), scope.filters, kind)
        # The report has no period and no choice of the date, with which the facts of other reports begin.
        return content_of(table, reader, ((gettext("Holiday"), name), *facts[2:]))

    years = [
        report_tables.Column(year_key(number), format_lazy("{label} {number}", label=_("Year"), number=number + 1),
                             report_tables.Kind.COUNT, lambda _sums: None)
        for number in range(MOST_YEARS)
    ]  # fmt: skip
    return ExportTable(
        table_key(HOLIDAYS, kind.value),
        format_lazy("{report}: {table}", report=_("Holidays"), table=LABELS[kind]),
        columns_of(YEAR_COLUMNS if kind == HolidayTable.YEARS else years),
        may_export_reports,
        find,
        file_name="otchet-prazdniki",
        page="report_of_holidays",
    )


def report_scope(query: QueryDict) -> tuple[Scope, tuple[Fact, ...]]:
    """Return the orders that a report is about, and the period and the filters as texts."""
    read: Callable[[QueryDict], tuple[Scope, tuple[Fact, ...]]] = import_string(settings.EXPORTED_LISTS["report"])
    return read(query)


def columns_of(columns: Iterable[report_tables.Column]) -> tuple[Column, ...]:
    """Return the columns of a table of a report, after one with the names of the rows."""
    label: StrOrPromise = _("Row")
    return (
        Column(LABEL, label, Kind.TEXT, 30),
        *(
            Column(
                one.key,
                cast("StrOrPromise", one.label),
                _KINDS[one.kind],
                14,
                hides="prices" if _is_sum(one) else "",
            )
            for one in columns
        ),
    )  # fmt: skip


def _is_sum(column: report_tables.Column) -> bool:
    return column.kind == report_tables.Kind.MONEY or column.key == _UNCOUNTED


def content_of(table: report_tables.Table, reader: Reader, facts: tuple[Fact, ...]) -> Content:
    """Return a table of a report. As on the page, a reader who may not see all sums gets none of them."""
    shown = {one.key: one for one in table.columns if reader.sees_all_prices or not _is_sum(one)}
    every = {one.key for one in table.columns} | {one.key for one in YEAR_COLUMNS}
    every |= {year_key(number) for number in range(MOST_YEARS)}

    def blocks(columns: Sequence[Column]) -> Iterator[Block]:
        if table.rows:
            yield [_cells(table, shown.get(column.key), reader) for column in columns]

    uncounted = ((gettext("Orders whose sum is unknown or not in ₸"), str(table.uncounted)),) if table.uncounted else ()
    return Content(
        len(table.rows),
        blocks,
        (*facts, *(uncounted if reader.sees_all_prices else ())),
        headers={one.key: str(one.label) for one in shown.values()},
        hidden=frozenset(every - set(shown)),
        totals=_totals(table.totals, shown),
    )


def _cells(table: report_tables.Table, column: report_tables.Column | None, reader: Reader) -> list[Cell]:
    if column is None:
        return [reader.text(row.label) for row in table.rows]
    return [_value(column.kind, row.values.get(column.key)) for row in table.rows]


def _totals(totals: Mapping[str, Any], shown: Mapping[str, report_tables.Column]) -> dict[str, Cell]:
    return {key: _value(one.kind, totals[key]) for key, one in shown.items() if totals.get(key) is not None}


def _value(kind: report_tables.Kind, value: Any) -> Cell:
    """Return a value with the precision that the page shows."""
    if value is None:
        return None
    if kind == report_tables.Kind.MONEY:
        return Decimal(value).quantize(Decimal(1))
    if kind == report_tables.Kind.SHARE:
        return round(float(value), 3)
    found: Cell = value
    return found
