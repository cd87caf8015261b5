"""The page of the report of holidays."""

from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orders.admin.reports.chart import chart_of
from orders.admin.reports.choice import TABLE, choices_of_filters, chosen
from orders.admin.reports.page import may_see_reports, shown_columns, table_context
from orders.export.tables.reports import table_key
from orders.reports.definitions import HOLIDAYS
from orders.reports.holidays import LABELS, HolidayTable, holidays, read_holiday, years_of

HOLIDAY = "holiday"


@never_cache
@require_safe
def holidays_page(request: HttpRequest) -> HttpResponse:
    """Show a holiday in several years. Raise `PermissionDenied` if the user may not see reports."""
    if not may_see_reports(request):
        raise PermissionDenied
    names = holidays()
    wanted = request.GET.get(HOLIDAY, "")
    name = wanted if wanted in names else names[0] if names else ""
    filters = chosen(request.GET).scope.filters
    typed = request.GET.get(TABLE, "")
    kind = HolidayTable(typed) if typed in list(HolidayTable) else HolidayTable.YEARS
    table = read_holiday(years_of(name), filters, kind)
    sees_sums = request.user.has_perm("orders.view_all_prices")
    columns = shown_columns(table.columns, sees_sums)
    is_by_year = kind == HolidayTable.YEARS
    bars = ("orders",) if is_by_year else [column.key for column in table.columns]
    kept = {name: str(value) for name, value in filters.items()}
    context = {
        **admin.site.each_context(request),
        "title": gettext("Holidays"),
        "holidays": [
            {"label": one, "url": _url(kept, one, kind), "is_current": one == name} for one in names
        ],
        "kept": [(HOLIDAY, name), (TABLE, kind.value)],
        "filters": [{**one, "chosen": kept.get(one["name"], "")} for one in choices_of_filters()],
        "tables": [
            {"label": LABELS[one], "url": _url(kept, name, one), "is_current": one == kind} for one in HolidayTable
        ],
        "chart": chart_of(table, bars, "amount" if is_by_year and sees_sums else "") if table.rows else None,
        "export_table": table_key(HOLIDAYS, kind.value),
        "notes": (
            gettext("Orders by delivery date, without cancelled orders and orders deleted on the site."),
            gettext("The last hour and the last day are those before the end of the delivery slot."),
            gettext("The hour is the one at which the delivery slot begins, in Almaty."),
            gettext("Sums that are unknown or not in ₸ are not added up."),
        ),
        **table_context(table, columns, row_title=gettext("Holiday") if is_by_year else gettext("Row")),
    }  # fmt: skip
    return TemplateResponse(request, "orders/reports/holidays.html", context)


def _url(kept: dict[str, str], name: str, table: HolidayTable) -> str:
    return "?" + urlencode({HOLIDAY: name, TABLE: table.value, **kept})
