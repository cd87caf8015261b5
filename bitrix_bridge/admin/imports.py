"""The admin pages of import runs with their reasons, and of the outcome of each order."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bitrix_bridge.admin import import_page
from bitrix_bridge.history.report import texts
from bitrix_bridge.history.slices import slice_task
from bitrix_bridge.models import ImportRow, ImportRun
from cvety_crm.admin_site.base import ReadOnlyModelAdmin, admin_link
from cvety_crm.long_runs.admin import Fact, LongRunAdmin, State
from cvety_crm.long_runs.progress import Progress
from orders.models import long_columns


@admin.register(ImportRun)
class ImportRunAdmin(LongRunAdmin):
    """The list of import runs, and the page of a run with the outcome and the reasons of each order."""

    list_display = (
        "started_column",
        "state_column",
        "result_column",
        "created",
        "updated",
        "unchanged",
        "skipped",
        "failed",
        "copy_column",
    )
    list_filter = (("state", ChoicesDropdownFilter),)
    list_before_template = "bitrix_bridge/import_start.html"
    change_form_outer_before_template = "bitrix_bridge/import_run.html"

    slice_task = slice_task
    stopped_text = _("The import was stopped; the orders imported so far stay.")
    not_running_text = _("The import does not run any more.")
    progress_label = _("How far the import is")
    progress_format = _("%(percent)s %%: %(done)s of %(expected)s orders")

    def obstacle(self) -> str:
        """Return a message if the address of the site's database copy is not configured, or else an empty string."""
        return "" if settings.BITRIX_MYSQL_URL else gettext("There is no copy to read: set BITRIX_MYSQL_URL.")

    def resume_label(self, run: ImportRun) -> str:
        """Return the label of the button, which resumes an interrupted run or repeats the failed orders of a run."""
        if not super().resume_label(run) or (run.state != State.DONE and not run.is_retry):
            return super().resume_label(run)
        return gettext("Repeat the failed ones (%(number)d)") % {"number": run.failed}

    def resumed_text(self, run: ImportRun) -> str:
        """Return the message that the worker repeats failed orders or continues the import."""
        return gettext("The failed orders are being repeated.") if run.is_retry else gettext("The import continues.")

    def not_resumed_text(self, run: ImportRun) -> str:
        """Return why the run was not resumed."""
        if run.state == State.RUNNING:
            return gettext("The import runs already.")
        return gettext("There is nothing to repeat: no order has failed.")

    def unmeasured_text(self, far: Progress) -> str:
        """Return how many failed orders are still to be repeated."""
        return gettext("Failed orders are repeated, left: %(left)s") % {"left": localize(far.remaining)}

    def progress_notes(self, run: ImportRun) -> Iterator[str]:
        """Yield the number of failed orders."""
        yield gettext("not imported: %(number)s") % {"number": localize(run.failed)}

    def facts(self, run: ImportRun) -> Iterator[Fact]:
        """Yield the address of the site's database copy, the selected orders, and the user who resumed the run."""
        yield from import_page.facts(run)
        yield from super().facts(run)

    def page_context(self, request: HttpRequest, run: ImportRun) -> dict[str, Any]:
        """Return the reasons and the orders of the run."""
        return import_page.context(request, run)

    # --- columns

    @admin.display(description=_("imported"))
    def result_column(self, run: ImportRun) -> str:
        """Return the number of imported orders, and the number of all orders that were imported or have failed."""
        return gettext("%(done)d of %(all)d") % {"done": run.come_over, "all": run.come_over + run.failed}

    @admin.display(description=_("copy"))
    def copy_column(self, run: ImportRun) -> str:
        """Return the address of the site's database copy. A long address is shown on several lines."""
        return format_html('<div class="crm-copy crm-subtle">{}</div>', run.source) if run.source else "—"


@admin.register(ImportRow)
class ImportRowAdmin(ReadOnlyModelAdmin):
    """The list of the orders of all runs."""

    list_display = ("bitrix_order_id", "run_column", "outcome_column", "reasons_column", "order_column")
    list_display_links = ("bitrix_order_id",)
    list_filter = (("outcome", ChoicesDropdownFilter),)
    list_select_related = ("run", "order")
    search_fields = ("bitrix_order_id",)
    ordering = ("-created_at", "-bitrix_order_id")
    fields = ("run_column", "bitrix_order_id", "outcome_column", "order_column", "reasons_column")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportRow]:
        """Return the rows without loading the long columns of their orders."""
        return super().get_queryset(request).defer(*long_columns("order"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ImportRow], search_term: str
    ) -> tuple[QuerySet[ImportRow], bool]:
        """Search by the id on the site."""
        text = search_term.strip()
        if not text:
            return queryset, False
        return queryset.filter(bitrix_order_id=import_page.site_id(text)), False

    @admin.display(description=_("run"))
    def run_column(self, row: ImportRow) -> str:
        """Return a link to the run."""
        return admin_link(row.run, request=self.request)

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_column(self, row: ImportRow) -> SafeString:
        """Return the outcome as a badge."""
        return import_page.outcome_badge(row)

    @admin.display(description=_("order"))
    def order_column(self, row: ImportRow) -> str:
        """Return a link to the order."""
        return import_page.order_link(self.request, row)

    @admin.display(description=_("reasons"))
    def reasons_column(self, row: ImportRow) -> SafeString | str:
        """Return a message for each reason that the import has reported for the order."""
        return format_html_join("", '<div class="crm-why">{}</div>', ((text,) for text in texts(row.reasons))) or "—"
