"""The saved views of the order list that a user may open, and the comparison of a list with its view."""

from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, PAGE_VAR
from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, Q, Value, When

from cvety_crm.users import User
from orders.models import SavedView
from orders.selectors.presets import DEFAULT, PARAMETER

VIEW_PARAMETER = "view"
COLUMNS_PARAMETER = "columns"
"""The query parameter with columns that have been chosen for a view and not yet saved with it, separated by commas."""
_FACETS = "_facets"
_NOT_SAVED = {
    VIEW_PARAMETER, COLUMNS_PARAMETER, PAGE_VAR, ALL_VAR, ERROR_FLAG, _FACETS, IS_POPUP_VAR, TO_FIELD_VAR
}  # fmt: skip


def normalised(query: str) -> str:
    """Return the query string of a list without its page, view and columns, sorted by names.

    Two query strings that show the same orders in the same sequence have the same result. The list without a query is
    that of the default preset.
    """
    kept = [(name, value) for name, value in parse_qsl(query) if name not in _NOT_SAVED]
    return urlencode(sorted(kept)) or urlencode({PARAMETER: DEFAULT})


def views_of(user: User | AnonymousUser) -> list[SavedView]:
    """Return the user's own views, then those of the shop, each sorted by position. Make one query."""
    return list(
        SavedView.objects.filter(Q(owner=user.pk) | Q(owner=None)).order_by(
            Case(When(owner=None, then=Value(1)), default=Value(0)), "position", "created_at"
        )
    )


def default_view(user: User | AnonymousUser) -> SavedView | None:
    """Return the view with which the list opens for this user, or None if no role of the user has one.

    Of several roles with a view, the first by name counts.
    """
    return SavedView.objects.filter(owner=None, roles__role__user=user.pk).order_by("roles__role__name").first()


def view_query(view: SavedView) -> str:
    """Return the query string that opens the list with this view."""
    return f"{urlencode({VIEW_PARAMETER: view.pk})}&{view.query}"


def view_key(text: str) -> UUID | None:
    """Return the primary key of a view in a URL, or None if the string is not a key."""
    try:
        return UUID(text)
    except ValueError:
        return None
