"""Imports of the history: what each run did with each order, and the buttons that stop it, go on, or repeat."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bitrix_bridge.admin import import_page
from bitrix_bridge.history import runs
from bitrix_bridge.history.progress import progress
from bitrix_bridge.history.report import texts
from bitrix_bridge.history.tasks import nudge
from bitrix_bridge.models import ImportRow, ImportRun
from cvety_crm.admin_site.base import ReadOnlyModelAdmin, admin_link, moment
from cvety_crm.admin_site.outbox import find_row

NAME = "bitrix_bridge_importrun"


def may_repeat(request: HttpRequest) -> bool:
    """Return whether the user may stop runs, go on with them, and repeat what has failed."""
    return bool(request.user.has_perm("bitrix_bridge.change_importrun"))


@admin.register(ImportRun)
class ImportRunAdmin(ReadOnlyModelAdmin):
    """One run a row; its page shows why what became of which order."""

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
    list_display_links = ("started_column",)
    list_filter = (("state", ChoicesDropdownFilter),)
    list_before_template = "bitrix_bridge/import_start.html"
    change_form_outer_before_template = "bitrix_bridge/import_run.html"
    ordering = ("-started_at", "-id")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return none: the page is what stands before the form."""
        return ()

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the buttons, and of the progress that the page asks for."""
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:key>/resume/", wrap(require_POST(self.resume)), name=f"{NAME}_resume"),
            path("<uuid:key>/stop/", wrap(require_POST(self.stop)), name=f"{NAME}_stop"),
            path("<uuid:key>/progress/", wrap(require_safe(self.progress)), name=f"{NAME}_progress"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a run, its reasons and its orders."""
        run = find_row(ImportRun, object_id)
        context: dict[str, Any] = {}
        if run is not None and self.has_view_permission(request):
            context = import_page.context(request, run, may_repeat=may_repeat(request))
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    # --- columns

    @admin.display(description=_("started"), ordering="started_at")
    def started_column(self, run: ImportRun) -> str:
        """Return when it was started."""
        return moment(run.started_at)

    @admin.display(description=_("state"), ordering="state")
    def state_column(self, run: ImportRun) -> SafeString:
        """Return where it is, and how far."""
        return import_page.state_badge(run)

    @admin.display(description=_("come over"))
    def result_column(self, run: ImportRun) -> str:
        """Return how many of those that it has dealt with."""
        return gettext("%(done)d of %(all)d") % {"done": run.come_over, "all": run.come_over + run.failed}

    @admin.display(description=_("copy"))
    def copy_column(self, run: ImportRun) -> str:
        """Return where it came from; a long address on several lines."""
        return format_html('<div class="crm-copy crm-subtle">{}</div>', run.source) if run.source else "—"

    # --- the buttons

    def resume(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Have the worker go on with a run that was cut, or repeat the failed orders of one that is through."""
        run = _run(request, key)
        if not settings.BITRIX_MYSQL_URL:
            messages.error(request, import_page.no_copy())
            return _to(run)
        try:
            with transaction.atomic():
                is_begun = runs.resume(run, by=request.user, is_held=False)  # type: ignore[arg-type]
                if is_begun:
                    nudge(run)
        except runs.AlreadyRunning as running:
            messages.warning(request, str(running))
            return _to(run)
        if is_begun:
            begun = gettext("The failed orders are being repeated.") if run.is_retry else gettext("The import goes on.")
            messages.success(request, begun)
        elif run.state == runs.State.RUNNING:
            messages.info(request, gettext("It runs already."))
        else:
            messages.info(request, gettext("There is nothing to repeat: no order has failed."))
        return _to(run)

    def stop(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Stop a run."""
        run = _run(request, key)
        if runs.stop(run):
            messages.success(request, gettext("The import was stopped; what has come over stays."))
        else:
            messages.info(request, gettext("The import does not run any more."))
        return _to(run)

    def progress(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Return how far a run is; one that has ended has the page loaded anew."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = find_row(ImportRun, str(key))
        if run is None:
            raise Http404
        if run.state != runs.State.RUNNING:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "bitrix_bridge/import_progress.html", {"run": run, "progress": progress(run)})


@admin.register(ImportRow)
class ImportRowAdmin(ReadOnlyModelAdmin):
    """One order of a run a row."""

    list_display = ("bitrix_order_id", "run_column", "outcome_column", "reasons_column", "order_column")
    list_display_links = ("bitrix_order_id",)
    list_filter = (("outcome", ChoicesDropdownFilter),)
    list_select_related = ("run", "order")
    search_fields = ("bitrix_order_id",)
    ordering = ("-created_at", "-bitrix_order_id")
    fields = ("run_column", "bitrix_order_id", "outcome_column", "order_column", "reasons_column")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ImportRow], search_term: str
    ) -> tuple[QuerySet[ImportRow], bool]:
        """Find by the id on the site."""
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
        """Return what became of it."""
        return import_page.outcome_badge(row)

    @admin.display(description=_("order"))
    def order_column(self, row: ImportRow) -> str:
        """Return a link to the order."""
        return import_page.order_link(self.request, row)

    @admin.display(description=_("reasons"))
    def reasons_column(self, row: ImportRow) -> SafeString | str:
        """Return why, in words."""
        return format_html_join("", '<div class="crm-why">{}</div>', ((text,) for text in texts(row.reasons))) or "—"


def _run(request: HttpRequest, key: Any) -> ImportRun:
    if not may_repeat(request):
        raise PermissionDenied
    run: ImportRun | None = find_row(ImportRun, str(key))
    if run is None:
        raise Http404
    return run


def _to(run: ImportRun) -> HttpResponse:
    return HttpResponseRedirect(reverse(f"admin:{NAME}_change", args=[run.pk]))
