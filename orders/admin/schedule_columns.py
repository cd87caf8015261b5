"""The choice of the columns of a scheduled report: those of a template, or own ones as on the page of an export."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from cvety_crm.users import AnyUser
from orders.admin.column_moves import moved
from orders.export.table import ExportTable
from orders.export.tables import TABLES
from orders.models import ExportTemplate, ReportSchedule
from orders.report_sending.parameters import sendable_tables
from orders.selectors.export_templates import templates_of
from orders.selectors.saved_views import view_key

if TYPE_CHECKING:
    from cvety_crm.admin_site.base import CrmModelAdmin

TABLE, TEMPLATE, ORDER, COLUMN, MOVE, SCHEDULE = (
    "columns_of", "columns_template", "columns_order", "columns_chosen", "columns_move", "columns_schedule",
)  # fmt: skip
"""The names of the inputs: the table whose columns are shown, a template, the keys of all and of the chosen columns."""
PLACE = "crm-schedule-columns"
"""The id of the element with the choice."""


@dataclass(frozen=True, slots=True)
class ChosenColumns:
    """What the form has: the table whose columns it shows, a template, the keys of all and of the chosen columns."""

    table: str = ""
    template: UUID | None = None
    order: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @classmethod
    def posted(cls, data: Any) -> "ChosenColumns":
        """Return what was entered."""
        order = tuple(dict.fromkeys(data.getlist(ORDER)))
        ticked = set(data.getlist(COLUMN))
        return cls(
            data.get(TABLE, ""),
            view_key(data.get(TEMPLATE, "")),
            order,
            tuple(key for key in order if key in ticked),
        )

    def for_table(self, table: ExportTable | None) -> "ChosenColumns":
        """Return the choice for this table. Columns of another table are replaced by the default ones."""
        if table is None or not table.columns:
            return ChosenColumns(table.key if table else "")
        known = tuple(column.key for column in table.columns)
        if self.table != table.key:
            default = table.default_keys()
            return ChosenColumns(table.key, None, tuple(dict.fromkeys([*default, *known])), default)
        chosen = tuple(key for key in self.columns if key in known)
        order = dict.fromkeys([*(key for key in self.order if key in known), *chosen, *known])
        return ChosenColumns(table.key, self.template, tuple(order), chosen)

    @property
    def sent(self) -> tuple[str, ...]:
        """Return the keys to store: none if the default columns are chosen, which may become more."""
        table = TABLES.get(self.table)
        return () if table is None or self.columns == table.default_keys() else self.columns


class ColumnsWidget(forms.Widget):
    """The inputs of the choice. A table, a template and the buttons ↑ and ↓ replace them by those of the server."""

    field: "ColumnsField"

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Return the inputs for the table that is chosen."""
        return _inputs(self.field.table, value or ChosenColumns(), self.field.actor, self.field.schedule)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> ChosenColumns:
        """Return what was entered."""
        return ChosenColumns.posted(data)

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """Return False: a form without ticks has no columns chosen."""
        return False

    def id_for_label(self, id_: str) -> str:
        """Return an empty string: the label belongs to no single input."""
        return ""


class ColumnsField(forms.Field):
    """The columns of a scheduled report. `table` is the key of the table that the form shows."""

    table = ""
    actor: Any = None
    schedule: ReportSchedule | None = None

    def __init__(self) -> None:
        super().__init__(label=capfirst(_("columns")), required=False, widget=ColumnsWidget)
        self.widget.field = self

    def __deepcopy__(self, memo: Any) -> "ColumnsField":
        found: ColumnsField = super().__deepcopy__(memo)
        found.widget.field = found
        return found

    def clean(self, value: Any) -> ChosenColumns:
        """Return the choice for the chosen table. Raise `ValidationError` if no column is chosen."""
        table = TABLES.get(self.table)
        found: ChosenColumns = value.for_table(table)
        if table is not None and table.columns and not found.columns and found.template is None:
            raise forms.ValidationError(gettext("Choose at least one column."))
        templates = _templates(table, self.actor, self.schedule)
        if found.template is not None and found.template not in [one.pk for one in templates]:
            raise forms.ValidationError(gettext("There is no such template any more."))
        return found

    def of_schedule(self, schedule: ReportSchedule) -> ChosenColumns:
        """Return the choice that a schedule has."""
        table = TABLES.get(schedule.table)
        columns = tuple(schedule.sent_columns) or (table.default_keys() if table is not None else ())
        return ChosenColumns(schedule.table, schedule.template_id, columns, columns)

    def swap_attributes(self) -> dict[str, str]:
        """Return the attributes of the choice of the table, which replaces the columns by those of the chosen table."""
        url = reverse("admin:orders_reportschedule_columns")
        return {"hx-get": url, "hx-target": f"#{PLACE}", "hx-swap": "outerHTML", "hx-include": f"#{PLACE}"}


class ColumnsView:
    """The view that shows the columns of a table to a user who may save scheduled reports."""

    def __init__(self, model_admin: "CrmModelAdmin") -> None:
        self._admin = model_admin

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the inputs. Raise `PermissionDenied` if the user may not save a scheduled report."""
        if not (self._admin.has_add_permission(request) or self._admin.has_change_permission(request)):
            raise PermissionDenied
        chosen = ChosenColumns.posted(request.GET)
        key = view_key(request.GET.get(SCHEDULE, ""))
        schedule = ReportSchedule.objects.filter(pk=key).select_related("template").first() if key else None
        return _answer(request, chosen, schedule)


@never_cache
def _answer(request: HttpRequest, chosen: ChosenColumns, schedule: ReportSchedule | None) -> HttpResponse:
    key, move = request.GET.get("table", ""), request.GET.get(MOVE, "")
    # The list stays unfolded after a button in it.
    is_open = key == chosen.table
    return HttpResponse(_inputs(key, chosen, request.user, schedule, move=move, is_open=is_open))


def chosen_text(schedule: ReportSchedule) -> str:
    """Return the template or the number of the chosen columns, or an empty string for the default columns."""
    if schedule.template is not None:
        return gettext("template “%(name)s”") % {"name": schedule.template.name}
    table, keys = TABLES.get(schedule.table), schedule.sent_columns
    if table is None or not keys:
        return ""
    count = len(table.chosen(keys))
    return ngettext("%(count)s column", "%(count)s columns", count) % {"count": count}


def columns_text(schedule: ReportSchedule) -> str:
    """Return the headers of the columns that are sent, after the name of the template."""
    table = TABLES.get(schedule.table)
    if table is None or not table.columns:
        return "—"
    headers = ", ".join(str(column.header) for column in table.chosen(schedule.sent_columns))
    return f"{chosen_text(schedule)}: {headers}" if schedule.template is not None else headers


def _inputs(
    key: str,
    chosen: ChosenColumns,
    user: AnyUser | None,
    schedule: ReportSchedule | None,
    *,
    move: str = "",
    is_open: bool = False,
) -> SafeString:
    """Return the inputs for the table with this key, which are empty if the user may not export the table."""
    table = next((one for one in sendable_tables() if one.key == key and user and one.may_export(user)), None)
    shown = chosen.for_table(table)
    by_key = {column.key: column for column in table.columns} if table is not None else {}
    templates = _templates(table, user, schedule) if by_key else []
    template = next((one for one in templates if one.pk == shown.template), None)
    order, columns = shown.order, set(shown.columns)
    if template is not None:
        found = table.chosen(template.columns) if table is not None else ()
        columns = {column.key for column in found}
        order = tuple(dict.fromkeys([*(column.key for column in found), *shown.order]))
    elif move:
        order = tuple(moved(order, move))
    context = {
        "place": PLACE,
        "table": table,
        "schedule_id": schedule.pk if schedule is not None and not schedule._state.adding else "",
        "is_default": shown.columns == (table.default_keys() if table is not None else ()),
        "is_open": is_open or not columns,
        "count": len(columns),
        "columns": [(by_key[name], name in columns) for name in order],
        "templates": templates,
        "template": template,
        "names": {
            "table": TABLE, "template": TEMPLATE, "order": ORDER, "column": COLUMN, "move": MOVE, "schedule": SCHEDULE,
        },
        "url": reverse("admin:orders_reportschedule_columns"),
    }  # fmt: skip
    return mark_safe(render_to_string("orders/schedule_columns.html", context))  # noqa: S308 - a template of ours


def _templates(
    table: ExportTable | None, user: AnyUser | None, schedule: ReportSchedule | None
) -> list[ExportTemplate]:
    """Return the templates that the user may choose, and the one that the schedule has."""
    if table is None or user is None:
        return []
    found = templates_of(user, table.key)
    used = schedule.template if schedule is not None else None
    if used is not None and used.table == table.key and used not in found:
        found.append(used)
    return found
