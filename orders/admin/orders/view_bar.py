"""The chips of the saved views above the order list, and whether the list differs from its view."""

from typing import Any

from django.contrib.admin.filters import RelatedFieldListFilter, SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from orders.admin.permissions import may_share_views
from orders.admin.rows.chosen_view import available_views, chosen_view
from orders.admin.rows.columns import columns_of, keys_of, shown_columns
from orders.models import SavedView
from orders.selectors.presets import BY_KEY, PARAMETER
from orders.selectors.saved_views import normalised, view_query


def view_bar(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the chips: the views, the current view, and what can be done with it."""
    views = available_views(request)
    current = chosen_view(request, request.GET)
    query = request.GET.urlencode()
    may_save = current is not None and may_change_view(request, current)
    return {
        "views": [
            {
                "key": view_id(view),
                "label": view.name,
                "url": f"?{view_query(view)}",
                "is_shared": view.owner_id is None,
            }
            for view in views
        ],
        "current": view_id(current) if current is not None else "",
        "is_changed": current is not None and is_changed(request, current),
        "revert_url": f"?{view_query(current)}" if current is not None else "",
        "update_url": f"{reverse('admin:orders_order_update_view', args=[current.pk])}?{query}"
        if current is not None and may_save
        else "",
        "save_url": f"{reverse('admin:orders_order_save_view')}?{query}",
        "views_url": f"{reverse('admin:orders_order_views')}?{query}",
        "columns_url": f"{reverse('admin:orders_order_columns')}?{query}",
        "counts_url": reverse("admin:orders_order_view_counts"),
    }


def view_id(view: SavedView) -> str:
    """Return the key of a view in the ids of elements. It can't be the key of a preset."""
    return f"view-{view.pk.hex}"


def may_change_view(request: HttpRequest, view: SavedView) -> bool:
    """Return whether the user may change and delete the view: an own one, or with the permission one of the shop."""
    return view.owner_id == request.user.pk if view.owner_id is not None else may_share_views(request)


def is_changed(request: HttpRequest, view: SavedView) -> bool:
    """Return whether the list in the URL has another query or other columns than its view."""
    return normalised(request.GET.urlencode()) != view.query or keys_of(shown_columns(request)) != (
        keys_of(columns_of(view.columns)) or keys_of(shown_columns(request))
    )


def missing_values(changelist: ChangeList) -> list[str]:
    """Return the titles of the filters whose chosen value no longer exists, such as a status that was deleted."""
    # The list that answers an action without selected rows has no filters.
    specs = getattr(changelist, "filter_specs", ())
    found = [str(capfirst(spec.title)) for spec in specs if _is_missing(spec)]
    preset = str(changelist.params.get(PARAMETER, ""))
    return found if not preset or preset in BY_KEY else [*found, preset]


def _is_missing(spec: Any) -> bool:
    chosen: list[Any]
    if isinstance(spec, RelatedFieldListFilter):
        chosen = [value for value in spec.lookup_val or () if value]
    elif isinstance(spec, SimpleListFilter):
        chosen = [spec.value()] if spec.value() else []
    else:
        return False
    offered = {str(value) for value, _label in spec.lookup_choices}
    return any(str(value) not in offered for value in chosen)
