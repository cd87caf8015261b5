"""The export of orders as a file. The file contains all orders that the list finds, or the selected orders."""

from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_site.features import GET, BulkAction, Feature
from cvety_crm.users import staff_user
from orders.admin.exports.answers import answer
from orders.admin.exports.lists import SELECTED
from orders.admin.permissions import may_export
from orders.export.request import ExportRequest
from orders.export.tables import TABLES
from orders.models import Order
from orders.services.bulk.runs import freeze

FORMAT_PARAMETER = "format"
DETAILS_PARAMETER = "details"
FORMATS = ("xlsx", "csv")


class Export(Feature[Order]):
    """The URL of the exported file, and the bulk actions that export selected orders."""

    def urls(self) -> list[URLPattern]:
        """Return the URL of the exported file."""
        return [self.view("export/", self.export_list, name="export", methods=GET, permission=may_export)]

    def bulk_actions(self) -> list[BulkAction[Order]]:
        """Return one action for each file format."""
        return [
            BulkAction(self.export_selected_to_xlsx, _("Export to Excel"), may_export),
            BulkAction(self.export_selected_to_csv, _("Export to CSV"), may_export),
        ]

    def export_list(self, request: HttpRequest) -> HttpResponseBase:
        """Return a file with all orders that the list finds for the query string, with the default columns.

        `format` in the query string is xlsx (the default) or csv. Raise `Http404` for any other format. With
        `details=1`, the file has the column with the details that the site sent. If there are no orders, redirect to
        the list with a message. If there are many, redirect to the page of a run that writes the file.
        """
        query = request.GET.copy()
        file_format = query.pop(FORMAT_PARAMETER, [FORMATS[0]])[-1]
        if file_format not in FORMATS:
            raise Http404
        details = query.pop(DETAILS_PARAMETER, [""])[-1] == "1"
        query.pop(PAGE_VAR, None)
        url = reverse("admin:orders_order_changelist")
        export = _request(request, file_format, query.urlencode(), ("details",) if details else ())
        return answer(request, export, back=f"{url}?{query.urlencode()}", start=url)

    def export_selected_to_xlsx(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponseBase | None:
        """Return an XLSX file with the selected orders."""
        return _selected(request, queryset, "xlsx")

    def export_selected_to_csv(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponseBase | None:
        """Return a CSV file with the selected orders."""
        return _selected(request, queryset, "csv")


def _selected(request: HttpRequest, queryset: QuerySet[Order], file_format: str) -> HttpResponseBase:
    keys = list(queryset.order_by().values_list("pk", flat=True))
    selection = freeze(keys, staff_user(request))
    export = _request(request, file_format, urlencode({SELECTED: str(selection.pk)}))
    return answer(request, export, back=request.get_full_path())


def _request(request: HttpRequest, file_format: str, query: str, more: tuple[str, ...] = ()) -> ExportRequest:
    columns = (*TABLES["orders"].default_keys(), *more) if more else ()
    return ExportRequest("orders", file_format, query, columns, staff_user(request).pk)
