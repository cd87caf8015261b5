"""The base classes and helpers of all admin lists and pages.

Lists never count a table. They read one row more than a page shows, to find out whether there is a next page.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.paginator import Page, Paginator
from django.db.models import Field, Model, QuerySet
from django.forms import Field as FormField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.sites import UnfoldAdminSite
from unfold.views import ChangeList

from cvety_crm.formatting import moment_of_year
from cvety_crm.text_limits import count_in

LAST_PAGE = 10_000
"""The highest page number. A higher number is a mistake or an attack: its large offset would load the database."""


class PeekPage(Page):
    """A page that stores whether there is a next page."""

    def __init__(self, rows: Sequence[Any], number: int, paginator: Paginator, *, has_next: bool) -> None:
        super().__init__(rows, number, paginator)
        self._has_next = has_next

    def has_next(self) -> bool:
        """Return whether the query found a row after this page."""
        return self._has_next


class PeekPaginator(Paginator):
    """A paginator that does not count rows. It reads one row more than a page shows, to detect a next page."""

    template_name = "cvety_crm/admin/pagination.html"

    @property
    def count(self) -> int:
        """Return a number larger than any table. It is not displayed."""
        return LAST_PAGE * self.per_page

    def page(self, number: int | str) -> PeekPage:
        """Return the page with this number. A number out of range is replaced by the nearest valid number."""
        try:
            valid = min(max(int(number), 1), LAST_PAGE)
        except (TypeError, ValueError):
            valid = 1
        first = (valid - 1) * self.per_page
        rows = list(self.object_list[first : first + self.per_page + 1])
        return PeekPage(rows[: self.per_page], valid, self, has_next=len(rows) > self.per_page)


class PeekChangeList(ChangeList):
    """A list page that runs one query, regardless of the size of the table."""

    page_num: int

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = capfirst(str(self.opts.verbose_name_plural))

    def get_ordering_field(self, field_name: Any) -> Any:
        """Return the field that a column sorts by, or None if this user may not sort by it.

        The URL can name any column, so the check is needed even if the page has no link that sorts by the column.
        """
        return super().get_ordering_field(field_name) if field_name in self.sortable_by else None

    def get_ordering_field_columns(self) -> dict[int, str]:
        """Return the columns that the list is sorted by, except columns that this user may not sort by."""
        columns = super().get_ordering_field_columns()
        allowed = {index for index, name in enumerate(self.list_display) if name in self.sortable_by}
        return {index: direction for index, direction in columns.items() if index in allowed}

    def get_results(self, request: HttpRequest) -> None:
        """Read the rows of the page without counting the table."""
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        page = self.paginator.page(self.page_num)
        self.page_num = page.number
        self.result_list = page.object_list
        self.has_next_page = page.has_next()
        self.result_count = self.full_result_count = len(page.object_list)
        self.show_full_result_count, self.show_admin_actions = False, True
        self.can_show_all, self.multi_page = False, True


class CrmModelAdmin(ModelAdmin):
    """The base admin: 50 rows on a page, filters that are applied together, and a warning about unsaved changes."""

    list_per_page = 50
    list_fullwidth = True
    list_filter_submit = True
    list_disable_select_all = True
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each of them counts the table
    paginator: type[Paginator] = PeekPaginator
    warn_unsaved_form = True
    empty_value_display = "—"

    keeps_history = True
    """Whether Django logs the changes that staff make. Without the log, the page with the history would be empty."""

    extra_lookups: tuple[str, ...] = ()
    """The lookups that links on other pages use for this list, in addition to its own filters."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Return whether the lookup belongs to one of the list's own filters or to `extra_lookups`.

        Django allows lookups on any column of the table, so a user could guess values that no page displays.
        """
        own = (name for item in self.list_filter for name in lookups_of(self.opts, item))
        return lookup in self.extra_lookups or lookup in own

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> FormField | None:
        """Return the form field. A text with a limit is counted, not cut."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        return None if field is None else count_in(field)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list page that does not count the table."""
        return PeekChangeList

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show the log of changes. Raise `Http404` for a model without a log."""
        if not self.keeps_history:
            raise Http404
        response: HttpResponse = super().history_view(request, object_id, extra_context)
        return response


def lookups_of(opts: Any, item: Any) -> Iterator[str]:
    """Yield the query parameters that a list filter may use."""
    if not isinstance(item, str | tuple):
        yield item.parameter_name
        return
    name, kind = (item, None) if isinstance(item, str) else item
    if kind is not None and issubclass(kind, RangeDateFilter):
        yield from (f"{name}{bound}" for bound in ("_on", "_from", "_to"))
        return
    field = opts.get_field(name)
    column = f"{name}__{field.target_field.name}" if field.is_relation else name
    yield from (f"{column}__exact", f"{column}__in", f"{name}__isnull")


def moment(value: datetime | None) -> str:
    """Return the local date and time for a list column, without the year if it is the current year."""
    if value is None:
        return "—"
    local = timezone.localtime(value)
    return format_html('<time class="crm-nowrap" datetime="{}">{}</time>', local.isoformat(), moment_of_year(local))


class CreatedColumn:
    """A column with the creation time of a row, for lists of log rows."""

    @admin.display(description=_("created"), ordering="created_at")
    def created_column(self, row: Any) -> str:
        """Return the creation time in the short format."""
        return moment(row.created_at)


class ReadOnlyModelAdmin(CreatedColumn, CrmModelAdmin):
    """The base admin of rows that only the CRM writes. Users cannot add, change or delete them."""

    warn_unsaved_form = False
    keeps_history = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        return False

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponseRedirect:
        # A timeline may still link to a row that has been deleted (`cvety_crm.ops.retention`).
        messages.warning(request, gettext("This entry no longer exists: finished entries are deleted after some time."))
        return HttpResponseRedirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"))


class AttentionColumn:
    """A column for rows that a member of staff must check. A tick would say that all is well."""

    @admin.display(description=_("needs a look"), ordering="needs_attention")
    def attention_column(self, row: Any) -> str:
        """Return a warning if the row needs a look, or an empty string."""
        return badge("pending", "▲", gettext("check this")) if row.needs_attention else ""


def badge(state: str, sign: str, text: object) -> SafeString:
    """Return a state as a coloured badge with a sign and a text, because colour alone is not accessible."""
    return format_html(
        '<span class="crm-badge crm-state-{}"><span aria-hidden="true">{}</span> {}</span>', state, sign, text
    )


def pretty_json(value: Any) -> SafeString:
    """Return an indented JSON document as escaped HTML."""
    return format_html(
        '<pre class="crm-json" tabindex="0">{}</pre>',
        json.dumps(value, ensure_ascii=False, indent=2, default=str, sort_keys=False),
    )


def admin_link(obj: Model | None, text: str = "", *, request: HttpRequest | None = None) -> str:
    """Return a link to the object's page, or only its name if there is no page or the user may not view it."""
    if obj is None:
        return "—"
    label = text or str(obj)
    opts = obj._meta
    rights = (f"{opts.app_label}.{right}_{opts.model_name}" for right in ("view", "change"))
    if request is not None and not any(request.user.has_perm(right) for right in rights):
        return label
    try:
        url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[obj.pk])
    except NoReverseMatch:
        return label
    return format_html('<a class="crm-link" href="{}">{}</a>', url, label)


def replace_registered(site: UnfoldAdminSite, model: type[Model]) -> None:
    """Unregister a library's admin of a model, so that the CRM's admin can be registered."""
    try:
        site.unregister(model)
    except NotRegistered:
        return


def first_rows(queryset: QuerySet[Any], limit: int) -> tuple[list[Any], bool]:
    """Return at most `limit` rows, and whether there are more rows."""
    rows = list(queryset[: limit + 1])
    return rows[:limit], len(rows) > limit


def without_related_buttons(field: FormField | None) -> FormField | None:
    """Return the form field without the buttons that add, change, delete and view the related row."""
    if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
        for name in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
            setattr(field.widget, name, False)
    return field
