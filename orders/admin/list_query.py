"""The queryset of the order list for a query string. Exports and live updates use it, because they show no page."""

from copy import copy
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from orders.models import Order

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.admin.views.main import ChangeList

_WITHOUT_PAGE = "cvety_crm.list_without_page"


def list_queryset(model_admin: "ModelAdmin[Order]", request: HttpRequest, query: QueryDict) -> QuerySet[Order]:
    """Return the queryset of the list for this query string, without reading a page of it.

    Raise `IncorrectLookupParameters` if the list's filters do not accept the query string.
    """
    found: QuerySet[Order] = list_page(model_admin, request, query).queryset
    return found


def list_page(model_admin: "ModelAdmin[Order]", request: HttpRequest, query: QueryDict) -> "ChangeList":
    """Return the list for this query string, with its filters and without rows.

    Raise `IncorrectLookupParameters` if the list's filters do not accept the query string.
    """
    asked = copy(request)
    asked.GET = QueryDict(query.urlencode())
    asked.method = "GET"  # a POST request of the list itself is an action on selected rows
    asked.META = {**request.META, _WITHOUT_PAGE: True}
    return model_admin.get_changelist_instance(asked)


def is_without_page(request: HttpRequest) -> bool:
    """Return whether `list_queryset` made this request. The list then reads no page."""
    return _WITHOUT_PAGE in request.META
