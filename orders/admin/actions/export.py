"""The export of orders as a file. The file contains all orders that the list finds, or the selected orders."""

import logging
from collections.abc import Sequence
from io import BytesIO
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_site.features import GET, BulkAction, Feature
from cvety_crm.users import staff_user
from orders.admin.list_query import list_queryset
from orders.admin.permissions import may_export
from orders.export import csv, xlsx
from orders.export.columns import Column, columns_of
from orders.export.rows import MOST_ROWS, TooManyRowsError, ids_of, rows
from orders.models import Order
from orders.presentation.formatting import number
from orders.selectors.presets import Moment, sorted_for_work

logger = logging.getLogger(__name__)
FORMAT_PARAMETER = "format"
DETAILS_PARAMETER = "details"
FORMATS = ("xlsx", "csv")
# The file contains names, phones and addresses, so neither a shared computer nor a proxy may cache it.
HEADERS = {"Cache-Control": "no-store, private", "X-Content-Type-Options": "nosniff"}


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
        """Return a file with all orders that the list finds for the query string.

        `format` in the query string is xlsx (the default) or csv. Raise `Http404` for any other format. With
        `details=1`, the file has the column with the details that the site sent. If there are no orders or too many,
        redirect to the list with a message.
        """
        query = request.GET.copy()
        file_format = query.pop(FORMAT_PARAMETER, [FORMATS[0]])[-1]
        if file_format not in FORMATS:
            raise Http404
        details = query.pop(DETAILS_PARAMETER, [""])[-1] == "1"
        query.pop(PAGE_VAR, None)
        back = f"{reverse('admin:orders_order_changelist')}?{query.urlencode()}"
        try:
            orders = list_queryset(self.model_admin, request, query)
        except IncorrectLookupParameters:
            messages.error(request, gettext("These filters do not fit: choose them again."))
            return HttpResponseRedirect(reverse("admin:orders_order_changelist"))
        found = _file(request, orders, file_format, query.urlencode(), details=details)
        return found or HttpResponseRedirect(back)

    def export_selected_to_xlsx(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponseBase | None:
        """Return an XLSX file with the selected orders, or None after a message if there are too many."""
        return _file(request, _for_work(request, queryset), "xlsx", "")

    def export_selected_to_csv(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponseBase | None:
        """Return a CSV file with the selected orders, or None after a message if there are too many."""
        return _file(request, _for_work(request, queryset), "csv", "")


def _for_work(request: HttpRequest, orders: QuerySet[Order]) -> QuerySet[Order]:
    return sorted_for_work(orders, Moment.of(request.user))


def _file(
    request: HttpRequest, orders: QuerySet[Order], file_format: str, query: str, *, details: bool = False
) -> HttpResponseBase | None:
    """Return the file. If there are no orders or too many, add a message with the reason and return None."""
    try:
        keys = ids_of(orders)
    except TooManyRowsError:
        most = number(MOST_ROWS)
        messages.error(
            request,
            gettext("A file takes %(most)s orders at most. Choose fewer: by days, or by other filters.")
            % {"most": most},
        )
        return None
    if not keys:
        messages.warning(request, gettext("There are no orders here to export."))
        return None
    columns = columns_of(details=details)
    _note(request, len(keys), file_format, f"{DETAILS_PARAMETER}=1 {query}" if details else query)
    return _xlsx(request, keys, columns) if file_format == "xlsx" else _csv(request, keys, columns)


def _xlsx(request: HttpRequest, keys: Sequence[UUID], columns: Sequence[Column]) -> HttpResponse:
    file = BytesIO()  # the compressed file has a few megabytes at most
    found = rows(keys, request.user, columns)
    xlsx.write_xlsx(found, file, columns, now=timezone.localtime().replace(tzinfo=None))
    return HttpResponse(file.getvalue(), content_type=xlsx.CONTENT_TYPE, headers=HEADERS | _attached("xlsx"))


def _csv(request: HttpRequest, keys: Sequence[UUID], columns: Sequence[Column]) -> StreamingHttpResponse:
    lines = csv.csv_lines(rows(keys, request.user, columns), columns)
    return StreamingHttpResponse(lines, content_type=csv.CONTENT_TYPE, headers=HEADERS | _attached("csv"))


def _attached(extension: str) -> dict[str, str]:
    name = f"zakazy-{timezone.localdate():%Y-%m-%d}.{extension}"
    return {"Content-Disposition": content_disposition_header(True, name) or ""}


def _note(request: HttpRequest, count: int, file_format: str, query: str) -> None:
    """Record the export in the log and in Django's admin log.

    Only the admin log contains the query string, because a search may contain names and phones.
    """
    user = staff_user(request)
    logger.info("%s exports %s orders as %s", user.get_username(), count, file_format)
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Order),
        object_repr=ngettext("Export: %(count)s order", "Export: %(count)s orders", count) % {"count": count},
        action_flag=CHANGE,
        change_message=f"{file_format} {query}".strip(),
    )
