"""The page on which a user chooses the columns and the format of an export, and saves them as a template."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cvety_crm.users import staff_user
from orders.admin.column_moves import moved
from orders.admin.exports.answers import answer
from orders.exceptions import NotAllowedError
from orders.export.formats import FORMATS
from orders.export.request import ExportRequest
from orders.export.table import ExportTable
from orders.export.tables import TABLES
from orders.export.tables.payments import period_in
from orders.models import ExportTemplate
from orders.models.export import LONGEST_NAME
from orders.selectors.export_templates import templates_of
from orders.selectors.saved_views import view_key
from orders.services import export_templates

TABLE, QUERY, TEMPLATE = "table", "query", "template"
"""The parameters of the page: the key of the table, the query string of the page with the rows, and a template."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the form shows: the keys of all columns in their order, the chosen ones, and the format."""

    order: tuple[str, ...]
    columns: tuple[str, ...]
    format: str
    error: str = ""
    name: str = ""
    for_shop: bool = False


def new_export_url(table: str, query: str = "", **more: str) -> str:
    """Return the URL of the page for a table and the query string of the page with its rows."""
    return f"{reverse('new_export')}?{urlencode({TABLE: table, QUERY: query, **more})}"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_export_page(request: HttpRequest) -> HttpResponseBase:
    """Show the choice of columns, return the file, or save or delete a template.

    Raise `Http404` if there is no such table, and `PermissionDenied` if the user may not export it.
    """
    table = TABLES.get(request.GET.get(TABLE, ""))
    if table is None:
        raise Http404
    if not table.may_export(request.user):
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, table, _first_choice(request, table))
    chosen = _posted(request, table)
    if move := request.POST.get("move"):
        return _page(request, table, replace(chosen, order=tuple(moved(chosen.order, move))))
    if key := request.POST.get("delete"):
        return _delete(request, table, key)
    if table.columns and not chosen.columns:
        return _page(request, table, replace(chosen, error=gettext("Choose at least one column.")))
    if "save" in request.POST:
        return _save(request, table, chosen)
    export = ExportRequest(table.key, chosen.format, _query(request, table), chosen.columns, staff_user(request).pk)
    return answer(request, export, back=request.get_full_path())


def _first_choice(request: HttpRequest, table: ExportTable) -> Chosen:
    template = _template(request, table)
    if template is not None and (keys := _known(table, template.columns)):
        file_format = template.format if template.format in table.formats else table.formats[0]
        return Chosen(_all(table, keys), keys, file_format, name=template.name, for_shop=template.owner_id is None)
    return Chosen(_all(table, table.default_keys()), table.default_keys(), table.formats[0])


def _posted(request: HttpRequest, table: ExportTable) -> Chosen:
    order = _all(table, _known(table, request.POST.getlist("order")))
    ticked = set(request.POST.getlist("column"))
    typed = request.POST.get("format", "")
    return Chosen(
        order,
        tuple(key for key in order if key in ticked),
        typed if typed in table.formats else table.formats[0],
        name=request.POST.get("name", ""),
        for_shop="for_shop" in request.POST,
    )


def _known(table: ExportTable, keys: Any) -> tuple[str, ...]:
    known = {column.key for column in table.columns}
    return tuple(key for key in dict.fromkeys(keys) if key in known)


def _all(table: ExportTable, first: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys of all columns, these first."""
    return tuple(dict.fromkeys([*first, *(column.key for column in table.columns)]))


def _query(request: HttpRequest, table: ExportTable) -> str:
    """Return the query string of the rows, with the period that was chosen on this page."""
    query = request.GET.get(QUERY, "")
    if not table.has_period:
        return query
    days = {name: request.POST.get(name, "") for name in ("from", "to")}
    return urlencode(days) if any(days.values()) else query


def _template(request: HttpRequest, table: ExportTable) -> ExportTemplate | None:
    key = view_key(request.GET.get(TEMPLATE, ""))
    return next((one for one in templates_of(request.user, table.key) if one.pk == key), None)


def _save(request: HttpRequest, table: ExportTable, chosen: Chosen) -> HttpResponseBase:
    try:
        template = export_templates.save_template(
            actor=staff_user(request),
            table=table.key,
            name=chosen.name,
            columns=chosen.columns,
            file_format=chosen.format,
            for_shop=chosen.for_shop,
        )
    except NotAllowedError as refusal:
        return _page(request, table, replace(chosen, error=str(refusal)))
    messages.success(request, gettext("The template “%(name)s” is saved.") % {"name": template.name})
    return HttpResponseRedirect(new_export_url(table.key, _query(request, table), template=str(template.pk)))


def _delete(request: HttpRequest, table: ExportTable, key: str) -> HttpResponseBase:
    template_id = view_key(key)
    try:
        if template_id is not None:
            export_templates.delete_template(template_id=template_id, actor=staff_user(request))
            messages.success(request, gettext("The template is deleted."))
    except ExportTemplate.DoesNotExist:
        messages.info(request, gettext("There is no such template any more."))
    except NotAllowedError as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(new_export_url(table.key, _query(request, table)))


def _page(request: HttpRequest, table: ExportTable, chosen: Chosen) -> HttpResponseBase:
    by_key = {column.key: column for column in table.columns}
    query = request.GET.get(QUERY, "")
    template = _template(request, table)
    may_share = request.user.has_perm(export_templates.SHARE)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("Export: %(table)s") % {"table": table.label},
        "columns": [(by_key[key], key in chosen.columns) for key in chosen.order],
        "formats": [(FORMATS[key], key == chosen.format) for key in table.formats],
        "tables": [
            {"label": other.label, "url": new_export_url(other.key, query), "is_current": other is table}
            for other in TABLES.values()
            if (other.page, other.page_arguments) == (table.page, table.page_arguments)
            and other.may_export(request.user)
        ],
        "templates": [
            {"template": one, "url": new_export_url(table.key, query, template=str(one.pk)),
             "is_current": one == template}
            for one in templates_of(request.user, table.key)
        ],
        "template": template,
        "moved": request.POST.get("move", ""),
        "may_delete": template is not None and (template.owner_id is not None or may_share),
        "may_share": may_share,
        "longest_name": LONGEST_NAME,
        "chosen": chosen,
        "back_url": _back_url(table, query),
        **_period(request, table, query),
    }  # fmt: skip
    return TemplateResponse(request, "orders/new_export.html", context, status=422 if chosen.error else 200)


def _back_url(table: ExportTable, query: str) -> str:
    url = reverse(table.page, args=table.page_arguments) if table.page else ""
    return f"{url}?{query}" if url and query else url


def _period(request: HttpRequest, table: ExportTable, query: str) -> dict[str, str]:
    if not table.has_period:
        return {}
    period = period_in(QueryDict(_query(request, table) if request.method == "POST" else query))
    return {"first": period.first.isoformat(), "last": period.last.isoformat()}
