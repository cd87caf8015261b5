"""The page of the report of the exchange with the site."""

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bitrix_bridge.admin.exchange_export import REPORT, may_export_exchange, sees_exchange
from bitrix_bridge.admin.exchange_tables import FROM_SITE, TABLES, exchange_totals, read_exchange
from orders.admin.reports.chart import chart_of
from orders.admin.reports.choice import TABLE, chosen
from orders.admin.reports.page import card, chart_note, controls, may_see_reports, table_context
from orders.export.tables.reports import table_key


@never_cache
@require_safe
def exchange_page(request: HttpRequest) -> HttpResponse:
    """Show what passed between the CRM and the site. Raise `PermissionDenied` if the user may not see it."""
    if not (may_see_reports(request) and sees_exchange(request.user)):
        raise PermissionDenied
    choice = chosen(request.GET)
    scope = choice.scope
    shown = TABLES.get(request.GET.get(TABLE, ""), FROM_SITE)
    table = read_exchange(shown, scope.period, lambda name: _may_open(request, name))
    compared = [(exchange_totals(shown, period), period) for period in (scope.before, scope.year_before)]
    context = {
        **admin.site.each_context(request),
        "title": gettext("Exchange with the site"),
        **controls(choice, [(one.key, str(one.label)) for one in TABLES.values()], shown.key),
        # Events and pushes have no shop and no other date.
        "bases": [],
        "filters": [],
        "cards": [card(column, table.totals, compared) for column in shown.columns],
        "chart": chart_of(table, shown.bars, shown.line) if table.rows else None,
        "chart_note": chart_note(table),
        "notes": _notes(),
        "empty_text": gettext("Nothing of this kind happened in this period. Choose a longer period."),
        "export_table": table_key(REPORT, shown.key) if may_export_exchange(request.user) else "",
        **table_context(table, list(shown.columns), row_title=gettext("Day")),
    }
    return TemplateResponse(request, "orders/reports/report.html", context)


def _may_open(request: HttpRequest, name: str) -> bool:
    """Return whether the user may open the list with this name of an URL (`admin:APP_MODEL_changelist`)."""
    app, _separator, model = name.removeprefix("admin:").removesuffix("_changelist").rpartition("_")
    return admin.site._registry[apps.get_model(app, model)].has_view_permission(request)


def _notes() -> tuple[str, ...]:
    notes = [
        gettext("Days are those on which the event came, the push was queued or the difference was found, in Almaty."),
        gettext(
            "The lag from the site is the time from the change, by the site's clock, until the CRM had processed it. "
            "It counts events that brought something new and have a date of the change. The one to the site is the "
            "time from the change here until the site had accepted it, with the time for which a status can be undone."
        ),
        gettext("Half of the changes were faster than the median, and 95 of 100 faster than the lag of 95 %."),
        gettext("A conflict is a field that was changed on both sides. The number leads to the timeline entries."),
        gettext("Differences are those that comparisons have found, also repaired ones."),
    ]
    if settings.KEEP_EVENTS_DAYS > 0:
        days = settings.KEEP_EVENTS_DAYS
        notes.append(
            gettext("Processed events are deleted after %(days)s days, so earlier days lack them.") % {"days": days}
        )
    return tuple(notes)
