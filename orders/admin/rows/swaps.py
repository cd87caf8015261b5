"""The HTML that htmx puts into an open order list: the changed rows, and messages.

htmx finds each element by its id and changes it in place.
"""

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from orders.admin.permissions import may_see
from orders.admin.rows.columns import shown_columns
from orders.admin.rows.rendering import rows_html
from orders.admin.rows.row_context import set_row_context, with_row_details
from orders.models import Order, Status

MOST_ROWS = 100
"""The largest number of rows in one update."""


def row_swaps(request: HttpRequest, ids: Collection[UUID]) -> SafeString:
    """Return the rows of these orders, even of an order that the list's own query no longer finds.

    Make a query for the orders, one for the statuses, and one for each other table that the rows show.
    """
    if not ids:
        return SafeString("")
    queryset = admin.site.get_model_admin(Order).get_queryset(request).filter(pk__in=ids)
    columns = shown_columns(request)
    shown = {column.key for column in columns}
    orders = list(with_row_details(queryset, shown)[:MOST_ROWS])
    statuses = {status.code: status for status in Status.objects.all()}
    set_row_context(orders, request, statuses, shown)
    return rows_html(orders, columns, is_swap=True)


def swaps_after_action(request: HttpRequest, ids: Collection[UUID]) -> HttpResponse:
    """Return the changed rows and the messages about the change."""
    return HttpResponse(messages_swap(request) + row_swaps(request, ids))


def messages_swap(request: HttpRequest) -> SafeString:
    """Return the messages to the user, which replace those that an open page shows."""
    return render_to_string("cvety_crm/messages.html", {"is_swap": True}, request=request)


def is_from_open_list(request: HttpRequest) -> bool:
    """Return whether htmx sent the request from an open order list, and the user may see orders."""
    return is_from(request, reverse("admin:orders_order_changelist")) and may_see(request)


def is_from(request: HttpRequest, path: str) -> bool:
    """Return whether htmx sent the request from an open page with this path."""
    return bool(request.headers.get("HX-Request")) and urlsplit(request.headers.get("HX-Current-URL", "")).path == path


def shown_rows(texts: Iterable[str]) -> dict[UUID, str]:
    """Return the versions of the rows that a page shows, by primary key. Leave out malformed strings."""
    found = {}
    for text in list(texts)[:MOST_ROWS]:
        pk, _separator, shown_version = text.partition("-")
        try:
            found[UUID(pk)] = shown_version
        except ValueError:
            continue
    return found
