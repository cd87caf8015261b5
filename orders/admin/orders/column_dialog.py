"""The dialog in which a user chooses and sorts the columns of the order list."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext

from cvety_crm.users import staff_user
from orders import services
from orders.admin.column_moves import moved
from orders.admin.orders.list_dialog import ListDialog, go_to, list_url
from orders.admin.permissions import may_see
from orders.admin.rows.chosen_view import chosen_view
from orders.admin.rows.columns import COLUMNS, FIRST, columns_of, keys_of, own_columns, shown_columns
from orders.selectors.saved_views import COLUMNS_PARAMETER


class ColumnDialog(ListDialog):
    """The URL of the dialog."""

    def urls(self) -> list[URLPattern]:
        """Return the URL of the dialog."""
        return [self.view("columns/", self.columns, name="columns", methods=("GET", "POST"), permission=may_see)]

    def columns(self, request: HttpRequest) -> HttpResponse:
        """Show the columns, or save the chosen ones.

        If the list shows a view, its URL gets the columns, and the view can be saved with them. Otherwise they become
        the user's own columns. A button beside a column only moves it in the dialog.
        """
        view = chosen_view(request, request.GET)
        # The dialog has the list's query in its URL. A header of htmx would name the same list.
        if request.method == "GET":
            return self._dialog(request, self._all(keys_of(shown_columns(request))), keys_of(shown_columns(request)))
        chosen, order = request.POST.getlist("column"), self._all(request.POST.getlist("order"))
        if move := request.POST.get("move"):
            return self._dialog(request, moved(order, move), chosen)
        query = request.GET.copy()
        query.pop(COLUMNS_PARAMETER, None)
        wanted = keys_of(columns_of(key for key in order if key in chosen))
        is_reset = "reset" in request.POST
        if not wanted and not is_reset:
            return self._dialog(request, order, chosen, error=gettext("Choose at least one column."))
        if view is None:
            services.choose_columns(user=staff_user(request), columns=[] if is_reset else wanted)
        elif not is_reset and wanted != (keys_of(columns_of(view.columns)) or keys_of(own_columns(request.user))):
            query[COLUMNS_PARAMETER] = ",".join(wanted)
        return go_to(request, list_url(query.urlencode()))

    @staticmethod
    def _all(first: list[str]) -> list[str]:
        """Return the keys of all columns, these first."""
        return keys_of(columns_of([*first, *(column.key for column in COLUMNS)]))

    def _dialog(self, request: HttpRequest, order: list[str], chosen: list[str], *, error: str = "") -> HttpResponse:
        context: dict[str, Any] = {
            "first": FIRST,
            "columns": [(column, column.key in chosen) for column in columns_of(order)[1:]],
            "view": chosen_view(request, request.GET),
            "error": error,
        }
        return self.dialog(
            request, "orders/list/columns.html", gettext("Columns"), context, is_again=request.method == "POST"
        )
