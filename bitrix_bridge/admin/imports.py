"""Imports of the history: what each run did with each order."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bitrix_bridge.models import ImportRow, ImportRun
from cvety_crm.admin_base import ReadOnlyModelAdmin, admin_link, pretty_json


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyModelAdmin):
    """One run a row."""

    list_display = ("started_at", "finished_at", "state", "created", "updated", "unchanged", "skipped", "failed")
    list_filter = ("state",)
    ordering = ("-started_at", "-id")
    fields = ("started_at", "finished_at", "state")


@admin.register(ImportRow)
class ImportRowAdmin(ReadOnlyModelAdmin):
    """One order of a run a row."""

    list_display = ("bitrix_order_id", "run", "outcome", "order_column")
    list_filter = ("outcome",)
    list_select_related = ("run", "order")
    search_fields = ("bitrix_order_id",)
    ordering = ("-created_at", "-id")
    fields = ("run", "bitrix_order_id", "outcome", "order_column", "reasons_column")

    def get_search_results(self, request: HttpRequest, queryset: object, search_term: str) -> tuple[object, bool]:
        """Find by the id on the site."""
        text = search_term.strip()
        if not text:
            return queryset, False
        key = int(text) if text.isdecimal() and len(text) <= 18 else 0
        return queryset.filter(bitrix_order_id=key), False  # type: ignore[attr-defined]

    @admin.display(description=_("order"))
    def order_column(self, row: ImportRow) -> str:
        """Return a link to the order."""
        return admin_link(row.order, request=self.request)

    @admin.display(description=_("reasons"))
    def reasons_column(self, row: ImportRow) -> SafeString:
        """Return why."""
        return pretty_json(row.reasons)
