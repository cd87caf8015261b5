"""The links from an order's page to the previous and the next order of the list from which it was opened."""

from collections.abc import Mapping
from copy import copy
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from cvety_crm.admin_site.base import LAST_PAGE
from cvety_crm.admin_site.features import Feature
from orders.admin.list_query import list_page
from orders.models import Order

FILTERS = "_changelist_filters"
"""The parameter of an order's page with the query string of the list."""
_Row = tuple[UUID, str]


class Neighbours(Feature[Order]):
    """The context of the links: `neighbours`, with the previous and the next order or None."""

    def page_context(self, request: HttpRequest, row: Order, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the links, or nothing if the list is not known or does not contain the order."""
        if not request.GET.get(FILTERS):
            return {}
        query = QueryDict(request.GET[FILTERS])
        found = self._window(request, query)
        place = next((index for index, (_page, (key, _number)) in enumerate(found) if key == row.pk), None)
        if place is None:
            return {}
        before, after = found[place - 1 : place], found[place + 1 : place + 2]
        return {
            "neighbours": {
                "previous": _link(before[0], query) if before else None,
                "next": _link(after[0], query) if after else None,
            }
        }

    def _window(self, request: HttpRequest, query: QueryDict) -> list[tuple[int, _Row]]:
        """Return the orders on the page of the list and on the pages beside it, each with the number of its page.

        The pages beside it also contain the neighbours of an order that has moved to another page since then. The list
        is sorted by its own query.
        """
        asked = copy(request)
        asked.method = "GET"  # a form that is shown again is the answer to a POST, for which the list has no filters
        try:
            changelist = list_page(self.model_admin, asked, query)
        except (IncorrectLookupParameters, SuspiciousOperation):
            return []
        size = self.model_admin.list_per_page
        page = min(max(changelist.page_num, 1), LAST_PAGE)
        first = max(page - 2, 0) * size
        rows = changelist.queryset.values_list("pk", "order_number")[first : (page + 1) * size]
        return [((first + index) // size + 1, row) for index, row in enumerate(rows)]


def _link(found: tuple[int, _Row], query: QueryDict) -> dict[str, str]:
    """Return the number and the URL of an order. The URL names the page of the list that contains the order."""
    page, (key, number) = found
    filters = query.copy()
    filters.pop(PAGE_VAR, None)
    if page > 1:
        filters[PAGE_VAR] = str(page)
    url = reverse("admin:orders_order_change", args=[key])
    # Without any filter the list would not be known.
    text = filters.urlencode() or f"{PAGE_VAR}=1"
    return {"number": number, "url": f"{url}?{urlencode({FILTERS: text})}"}
