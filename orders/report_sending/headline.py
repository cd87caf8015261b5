"""The headline figures that are sent with a report: those of its page, compared with the period before."""

from django.db.models import Model
from django.utils.translation import gettext

from cvety_crm.users import AnyUser
from orders.models import City, Shop, Source, Status
from orders.reports.definitions import Report
from orders.reports.definitions.sales import SALES
from orders.reports.reading import read_totals
from orders.reports.scope import Scope
from orders.reports.tables import Column, Kind, values_of
from orders.reports.texts import comparison_text, period_text, value_text


def headline_text(title: str, report: Report | None, scope: Scope, reader: AnyUser) -> str:
    """Return the title, the days, the filters, and the figures that the reader may see. Without a report, of sales."""
    return "\n".join(
        [f"{title} · {period_text(scope.period)}", *_filters(scope), "", *_figures(report or SALES, scope, reader)]
    ).strip()


def _figures(report: Report, scope: Scope, reader: AnyUser) -> list[str]:
    first = report.groupings[0]
    columns = [column for column in first.columns if column.key in report.headline and _may_see(column, reader)]
    if not columns:
        return []
    now = values_of(first.columns, read_totals(first, scope, scope.period))
    before = values_of(first.columns, read_totals(first, scope, scope.before))
    lines = [
        f"{column.label}: {value_text(column.kind, now[column.key])}"
        f" ({comparison_text(column.kind, now[column.key], before[column.key])})"
        for column in columns
    ]
    return [*lines, gettext("Compared with %(period)s.") % {"period": period_text(scope.before)}]


def _may_see(column: Column, reader: AnyUser) -> bool:
    return column.kind != Kind.MONEY or reader.has_perm("orders.view_all_prices")


def _filters(scope: Scope) -> list[str]:
    """Return the basis, and the names of the chosen shop, city, source and status."""
    filters = scope.filters
    found = [str(scope.basis.label)]
    models: tuple[tuple[str, type[Model], str], ...] = (
        ("shop", Shop, "bitrix_id"),
        ("city", City, "bitrix_id"),
        ("status", Status, "code"),
    )
    for name, model, key in models:
        if name in filters:
            row = model._default_manager.filter(**{key: filters[name]}).first()
            found.append(str(row or filters[name]))
    if "source" in filters:
        found.append(str(dict(Source.choices).get(filters["source"], filters["source"])))
    return [" · ".join(found)]
