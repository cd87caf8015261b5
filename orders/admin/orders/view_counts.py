"""The number of orders of each saved view. An open list loads these numbers after the page."""

from typing import TYPE_CHECKING

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest, QueryDict

from orders.admin.list_query import list_queryset
from orders.admin.orders.table import COUNTED
from orders.admin.orders.view_bar import view_id
from orders.admin.rows.chosen_view import available_views
from orders.models import Order

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


def view_counts(model_admin: "ModelAdmin[Order]", request: HttpRequest) -> dict[str, str]:
    """Return a text such as `12` or `1000+` for each view that the user may open, by the key of its chip.

    The number of queries depends only on the number of views. A view whose filters the list no longer accepts has an
    empty text.
    """
    return {view_id(view): _count(model_admin, request, view.query) for view in available_views(request)}


def _count(model_admin: "ModelAdmin[Order]", request: HttpRequest, query: str) -> str:
    try:
        found = list_queryset(model_admin, request, QueryDict(query))
    except (IncorrectLookupParameters, DisallowedModelAdminLookup):
        return ""
    number = found.order_by().values("pk")[: COUNTED + 1].count()
    return f"{COUNTED}+" if number > COUNTED else str(number)
