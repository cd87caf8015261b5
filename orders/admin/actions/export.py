"""Orders as a file: those of the list as it is shown, or those that are ticked. For whoever has the right to export."""

import logging
from collections.abc import Sequence
from io import BytesIO
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from unfold.decorators import action

from orders.export import csv, xlsx
from orders.export.rows import MOST_ROWS, TooMany, keys_of, rows
from orders.models import Order
from orders.presentation.formatting import number
from orders.selectors.presets import Moment, sorted_for_work

logger = logging.getLogger(__name__)
FORMAT_PARAMETER = "format"
FORMATS = ("xlsx", "csv")
# Names, phones and addresses: not for the disk of a shared computer, nor for a proxy.
HEADERS = {"Cache-Control": "no-store, private", "X-Content-Type-Options": "nosniff"}


class Exporting:
    """For the order's ModelAdmin to mix in, before the list: its address is none of a list."""

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the file."""
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("export/", wrap(require_GET(self.export_list)), name="orders_order_export"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def has_export_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user may take orders along as a file."""
        may_see = self.has_view_or_change_permission(request)  # type: ignore[attr-defined]
        return bool(may_see and request.user.has_perm("orders.export_order"))

    def export_list(self, request: HttpRequest) -> HttpResponseBase:
        """Return the orders of the list whose query the address carries, all pages of it; `format`: xlsx or csv."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        query = request.GET.copy()
        file_format = query.pop(FORMAT_PARAMETER, [FORMATS[0]])[-1]
        if file_format not in FORMATS:
            raise Http404
        query.pop(PAGE_VAR, None)
        request.GET = query  # type: ignore[assignment]
        back = f"{reverse('admin:orders_order_changelist')}?{query.urlencode()}"
        try:
            orders = self.get_changelist_instance(request).queryset  # type: ignore[attr-defined]
        except IncorrectLookupParameters:
            messages.error(request, gettext("These filters do not fit: choose them anew."))
            return HttpResponseRedirect(reverse("admin:orders_order_changelist"))
        return _file(request, orders, file_format, query.urlencode()) or HttpResponseRedirect(back)

    @action(description=_("Export to Excel"), permissions=["export"])
    def export_selected_to_xlsx(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponseBase | None:
        """Return the selected orders as XLSX."""
        return _file(request, _for_work(request, queryset), "xlsx", "")

    @action(description=_("Export to CSV"), permissions=["export"])
    def export_selected_to_csv(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponseBase | None:
        """Return the selected orders as CSV."""
        return _file(request, _for_work(request, queryset), "csv", "")


def _for_work(request: HttpRequest, orders: QuerySet[Order]) -> QuerySet[Order]:
    return sorted_for_work(orders, Moment.of(request.user))


def _file(request: HttpRequest, orders: QuerySet[Order], file_format: str, query: str) -> HttpResponseBase | None:
    """Return the file; None when there is none, and then the user has been told why."""
    try:
        keys = keys_of(orders)
    except TooMany:
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
    _note(request, len(keys), file_format, query)
    return _xlsx(request, keys) if file_format == "xlsx" else _csv(request, keys)


def _xlsx(request: HttpRequest, keys: Sequence[UUID]) -> HttpResponse:
    file = BytesIO()  # packed, at most some megabytes
    xlsx.write_xlsx(rows(keys, request.user), file, now=timezone.localtime().replace(tzinfo=None))
    return HttpResponse(file.getvalue(), content_type=xlsx.CONTENT_TYPE, headers=HEADERS | _attached("xlsx"))


def _csv(request: HttpRequest, keys: Sequence[UUID]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        csv.csv_lines(rows(keys, request.user)), content_type=csv.CONTENT_TYPE, headers=HEADERS | _attached("csv")
    )


def _attached(extension: str) -> dict[str, str]:
    name = f"zakazy-{timezone.localdate():%Y-%m-%d}.{extension}"
    return {"Content-Disposition": content_disposition_header(True, name) or ""}


def _note(request: HttpRequest, count: int, file_format: str, query: str) -> None:
    """Write down who took what along. The log has no query: a search holds names and phones."""
    user: Any = request.user
    logger.info("%s exports %s orders as %s", user.get_username(), count, file_format)
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(Order),
        object_repr=ngettext("Export: %(count)s order", "Export: %(count)s orders", count) % {"count": count},
        action_flag=CHANGE,
        change_message=f"{file_format} {query}".strip(),
    )
