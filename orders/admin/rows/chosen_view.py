"""The saved view that the order list in a request shows."""

from urllib.parse import urlsplit

from django.http import HttpRequest, QueryDict

from orders.models import SavedView
from orders.selectors.saved_views import VIEW_PARAMETER, view_key, views_of

_VIEWS = "_crm_saved_views"


def list_query(request: HttpRequest) -> QueryDict:
    """Return the query of the list that this request is for. htmx sends the list's URL in a header."""
    page = request.headers.get("HX-Current-URL")
    return request.GET if page is None else QueryDict(urlsplit(page).query)


def available_views(request: HttpRequest) -> list[SavedView]:
    """Return the views that this user may open. Make one query for a request, however often this is called."""
    found: list[SavedView] | None = getattr(request, _VIEWS, None)
    if found is None:
        found = views_of(request.user)
        setattr(request, _VIEWS, found)
    return found


def forget_views(request: HttpRequest) -> None:
    """Read the views again when they are needed next, after this request has changed one."""
    if hasattr(request, _VIEWS):
        delattr(request, _VIEWS)


def chosen_view(request: HttpRequest, query: QueryDict) -> SavedView | None:
    """Return the view in the query string of a list, or None if there is none that the user may open."""
    wanted = view_key(query.get(VIEW_PARAMETER, ""))
    if wanted is None:
        return None
    return next((view for view in available_views(request) if view.pk == wanted), None)
