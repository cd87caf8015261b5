"""The dialog with the filters of the order list. It is loaded when it is opened, because most pages need no filter."""

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.urls import URLPattern, reverse
from django.utils.translation import gettext

from cvety_crm.admin_site.features import GET, Feature
from orders.admin.list_query import list_page
from orders.admin.permissions import may_see
from orders.models import Order


class FilterDialog(Feature[Order]):
    """The URL of the dialog. Without htmx it is a page."""

    def urls(self) -> list[URLPattern]:
        """Return the URL of the dialog."""
        return [self.view("filters/", self.filters, name="filters", methods=GET, permission=may_see)]

    def filters(self, request: HttpRequest) -> HttpResponse:
        """Show the filters with the values of the query string, which is that of the list."""
        url = reverse("admin:orders_order_changelist")
        try:
            changelist: Any = list_page(self.model_admin, request, request.GET)
        except IncorrectLookupParameters:
            return HttpResponseBadRequest()
        names = {name for spec in changelist.filter_specs for name in spec.expected_parameters()}
        kept = [
            (name, value)
            for name, values in changelist.filter_params.items()
            for value in values
            if name not in names and name != PAGE_VAR
        ]
        forms = [form for spec in changelist.filter_specs if (form := _form_of(spec, changelist)) is not None]
        context = {"forms": forms, "kept": kept, "list_url": url, "clear_url": changelist.clear_all_filters_qs}
        template = "orders/list/filters.html" if request.headers.get("HX-Request") else "orders/list/filters_page.html"
        return self.render(request, template, gettext("Filters"), context)


def _form_of(spec: Any, changelist: Any) -> Any:
    """Return the form of a filter of Unfold, with the filter's title, or None if the filter has no choices."""
    choice = next(iter(spec.choices(changelist)), None)
    form = choice.get("form") if choice else None
    if form is None:
        return None
    for field in form.fields.values():
        # The title of the filter is above its fields, which have no labels of their own.
        words = (str(spec.title), str(field.widget.attrs.get("placeholder", "")))
        field.widget.attrs["aria-label"] = ": ".join(filter(None, words))
    return {"title": spec.title, "form": form}
