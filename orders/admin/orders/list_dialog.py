"""The base of the dialogs of the order list: columns and saved views. Without htmx each dialog is a page."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from cvety_crm.admin_site.features import Feature
from orders.models import Order


class ListDialog(Feature[Order]):
    """A feature with dialogs of the order list. The query string of their URLs is that of the list."""

    def dialog(
        self, request: HttpRequest, template: str, title: str, context: Mapping[str, Any], *, is_again: bool = False
    ) -> HttpResponse:
        """Return the contents of the dialog, or a page with them if the request is not from htmx.

        `is_again` means that htmx shows the contents in place of the form that was sent.
        """
        is_htmx = bool(request.headers.get("HX-Request"))
        headers = {"HX-Retarget": "#crm-dialog", "HX-Reswap": "innerHTML"} if is_htmx and is_again else None
        page = template if is_htmx else "orders/list/dialog_page.html"
        common = {"dialog": template, "title": title, "list_query": request.GET.urlencode()}
        return self.render(request, page, title, {**common, **context}, headers)


def list_url(query: str = "") -> str:
    """Return the URL of the order list with this query string."""
    url = reverse("admin:orders_order_changelist")
    return f"{url}?{query}" if query else url


def go_to(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect the page. htmx would load the target of an ordinary redirect into the dialog."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
