"""The admin pages of exports: who has exported what, and an export with its progress and its file."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from cvety_crm.admin_site.outbox import find_row
from cvety_crm.formatting import full_moment
from cvety_crm.long_runs.admin import Fact, LongRunAdmin, State
from cvety_crm.users import AnyUser, display_name, staff_user
from orders.admin.exports.answers import attachment
from orders.export.formats import FORMATS
from orders.export.tables import TABLES
from orders.export.tables.rights import EXPORT
from orders.export.worker import slice_task
from orders.models import ExportRun
from orders.presentation.formatting import number
from orders.rules.visibility import may_see_phones, shown_text
from orders.services import exports

OTHERS = "orders.view_all_exports"
"""The permission to see the exports of others. Everyone sees their own."""


@admin.register(ExportRun)
class ExportRunAdmin(LongRunAdmin):
    """The list of exports, and the page of an export."""

    list_display = ("started_column", "state_column", "who_column", "what_column", "facts_column", "rows_column")
    list_filter = (("state", ChoicesDropdownFilter),)
    list_select_related = ("started_by",)
    change_form_outer_before_template = "orders/export_run.html"

    slice_task = slice_task
    stopped_text = _("The export was stopped.")
    not_running_text = _("The export does not run any more.")
    progress_label = _("How far the file is")
    progress_format = _("%(percent)s %%: %(done)s of %(expected)s rows")

    # --- rights

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may see the list of exports."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user may see the list of exports, or this export."""
        sees_others = request.user.has_perm(OTHERS)
        if isinstance(obj, ExportRun) and obj.started_by_id != request.user.pk:
            return sees_others
        return sees_others or request.user.has_perm(EXPORT)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExportRun]:
        """Return the user's own exports, or all exports if the user may see those of others."""
        found = super().get_queryset(request)
        return found if request.user.has_perm(OTHERS) else found.filter(started_by=staff_user(request))

    def find_run(self, request: HttpRequest, key: str) -> Any | None:
        """Return the export, or None if there is none that the user may see."""
        run = find_row(ExportRun, key)
        return run if run is not None and self.has_view_permission(request, run) else None

    def may_control(self, request: HttpRequest) -> bool:
        """Return whether the user may export anything."""
        return bool(request.user.has_perm(EXPORT))

    def may_control_run(self, request: HttpRequest, run: ExportRun) -> bool:
        """Return whether the user may stop and resume this export: only an own one."""
        return self.may_control(request) and run.started_by_id == request.user.pk

    # --- pages

    def get_urls(self) -> list[URLPattern]:
        """Add the URL of the file."""
        file = self.admin_site.admin_view(require_safe(self.file))
        return [path("<uuid:key>/file/", file, name="orders_exportrun_file"), *super().get_urls()]

    def file(self, request: HttpRequest, key: Any) -> HttpResponseBase:
        """Return the file of an export. The rights of the user count that the user has now.

        Raise `PermissionDenied` if the user has lost the right to export the table, or to see phones or sums in it.
        """
        run = self._find(request, key)
        file_path = exports.path_of(run)
        file_format = FORMATS.get(run.format)
        if file_path is None or file_format is None:
            raise Http404
        if not may_download(request.user, run):
            raise PermissionDenied
        day = timezone.localtime(run.started_at)
        name = f"{TABLES[run.table].file_name}-{day:%Y-%m-%d}.{file_format.extension}"
        return attachment(file_path.open("rb"), name, file_format.content_type)

    def resumed_text(self, run: ExportRun) -> str:
        """Return the message that the file is written again."""
        return gettext("The file is written again.")

    def not_resumed_text(self, run: ExportRun) -> str:
        """Return why the export was not resumed."""
        return gettext("There is nothing to resume: it runs, or is done.")

    def facts(self, run: ExportRun) -> Iterator[Fact]:
        """Yield what was exported."""
        yield gettext("Table"), table_label(run)
        yield gettext("Format"), format_label(run)
        user = self.request.user
        for label, text in run.facts:
            yield str(label), shown_text(user, str(text))
        if run.columns and run.table in TABLES:
            columns = TABLES[run.table].chosen(run.columns)
            yield gettext("Columns"), ", ".join(str(column.header) for column in columns)
        if run.state == State.DONE:
            yield gettext("Rows"), number(run.rows)
        if run.file:
            yield gettext("Size"), filesizeformat(run.size)
        if run.expires_at:
            yield gettext("Kept until"), full_moment(run.expires_at)

    def page_context(self, request: HttpRequest, run: ExportRun) -> dict[str, Any]:
        """Return the link to the file, or why there is none."""
        is_there = exports.path_of(run) is not None
        may_get = is_there and may_download(request.user, run)
        return {
            "title": gettext("Export: %(table)s") % {"table": table_label(run)},
            "what": table_label(run),
            "starter": display_name(run.started_by),
            "file_url": reverse("admin:orders_exportrun_file", args=[run.pk]) if may_get else "",
            "is_refused": is_there and not may_get,
            "is_gone": run.state == State.DONE and not is_there,
            "was_sent": run.state == State.DONE and run.expires_at is None,
        }

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show an export."""
        self.request = request
        return super().change_view(request, object_id, form_url, extra_context)

    # --- columns

    @admin.display(description=_("by whom"))
    def who_column(self, run: ExportRun) -> str:
        """Return the user who has exported."""
        return display_name(run.started_by) or "—"

    @admin.display(description=_("what"))
    def what_column(self, run: ExportRun) -> str:
        """Return the table and the format."""
        return f"{table_label(run)} · {format_label(run)}"

    @admin.display(description=_("filters"))
    def facts_column(self, run: ExportRun) -> str:
        """Return the period and the filters as texts."""
        return shown_text(self.request.user, "; ".join(f"{label}: {text}" for label, text in run.facts)) or "—"

    @admin.display(description=_("rows"), ordering="rows")
    def rows_column(self, run: ExportRun) -> str:
        """Return the number of rows."""
        return number(run.rows)


def may_download(user: AnyUser, run: ExportRun) -> bool:
    """Return whether the user may have the file of an export now: the table, its phones and its sums."""
    table = TABLES.get(run.table)
    if table is None or not table.may_export(user):
        return False
    sees = {"phones": may_see_phones(user), "prices": user.has_perm("orders.view_all_prices")}
    return all(sees.get(kind, False) for kind in run.shown)


def table_label(run: ExportRun) -> str:
    """Return the name of the table of an export, also of one that no longer exists."""
    return str(TABLES[run.table].label) if run.table in TABLES else run.table


def format_label(run: ExportRun) -> str:
    """Return the name of the format of an export."""
    return str(FORMATS[run.format].label) if run.format in FORMATS else run.format
