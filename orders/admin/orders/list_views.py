"""The saved views of the order list: the dialogs that save, rename, sort and delete them, and the list that opens."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils.translation import gettext

from cvety_crm.admin_site.features import GET, POST
from cvety_crm.users import staff_user
from orders import services
from orders.admin.list_query import list_queryset
from orders.admin.orders.list_dialog import ListDialog, go_to, list_url
from orders.admin.orders.view_bar import may_change_view
from orders.admin.orders.view_counts import view_counts
from orders.admin.permissions import may_see, may_share_views
from orders.admin.rows.chosen_view import available_views, chosen_view, forget_views
from orders.admin.rows.columns import keys_of, shown_columns
from orders.models import SavedView
from orders.models.saved_view import LONGEST_NAME
from orders.selectors.saved_views import VIEW_PARAMETER, default_view, normalised, view_key, view_query
from orders.services import NotAllowedError


class ListViews(ListDialog):
    """The URLs of the saved views."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the views and of their counts."""
        both = ("GET", "POST")
        return [
            self.view("views/", self.views, name="views", methods=GET, permission=may_see),
            self.view("views/save/", self.save, name="save_view", methods=both, permission=may_see),
            self.view("views/counts/", self.counts, name="view_counts", methods=GET, permission=may_see),
            self.view("views/<uuid:key>/", self.edit, name="edit_view", methods=both, permission=may_see),
            self.view("views/<uuid:key>/update/", self.update, name="update_view", methods=POST, permission=may_see),
            self.view("views/<uuid:key>/move/", self.move, name="move_view", methods=POST, permission=may_see),
            self.view("views/<uuid:key>/delete/", self.delete, name="delete_view", methods=POST, permission=may_see),
        ]

    def opened(self, request: HttpRequest, show: Callable[[], HttpResponse]) -> HttpResponse:
        """Return the list, which `show` renders, or a redirect to the list with a view.

        A list without a query opens with the default view of the user's role. A view that was deleted is left out with
        a message. If the list no longer accepts the filters of a view, it opens without them. Raise `Http404` for the
        view of another user.
        """
        if request.method == "POST" or not may_see(request):
            return show()
        if not request.GET:
            view = default_view(request.user)
            return show() if view is None else HttpResponseRedirect(list_url(view_query(view)))
        if VIEW_PARAMETER not in request.GET:
            return show()
        view = chosen_view(request, request.GET)
        if view is None:
            return _without_view(request)
        try:
            response = show()
        except DisallowedModelAdminLookup:
            return _without_filters(request, view)
        # Django redirects to an URL with an error if the list does not accept the query.
        return _without_filters(request, view) if response.status_code == HttpResponseRedirect.status_code else response

    def counts(self, request: HttpRequest) -> HttpResponse:
        """Return the counts of the views, each for its chip."""
        found = view_counts(self.model_admin, request)
        return HttpResponse(render_to_string("orders/list/update.html", {"view_counts": found, "is_swap": True}))

    def views(self, request: HttpRequest) -> HttpResponse:
        """Show the views that the user may open, with buttons for those that the user may change."""
        found = [(view, view_query(view)) for view in available_views(request)]
        groups = [
            (gettext("My views"), True, [pair for pair in found if pair[0].owner_id is not None]),
            (gettext("Views of the shop"), may_share_views(request), [pair for pair in found if not pair[0].owner_id]),
        ]
        context = {"groups": groups}
        return self.dialog(request, "orders/list/views.html", gettext("Views of the list"), context)

    def save(self, request: HttpRequest) -> HttpResponse:
        """Show the form that saves the list in the URL as a new view, or save it."""
        query = normalised(request.GET.urlencode())
        if request.method == "GET":
            return self._form(request, gettext("Save the view"))
        for_shop = request.POST.get("for") == "shop"
        if for_shop and not may_share_views(request):
            raise PermissionDenied
        try:
            self._check(request)
            view = services.save_view(
                actor=staff_user(request),
                name=request.POST.get("name", ""),
                query=query,
                columns=keys_of(shown_columns(request)),
                for_shop=for_shop,
                roles=_roles(request),
            )
        except NotAllowedError as refusal:
            return self._form(request, gettext("Save the view"), error=str(refusal))
        messages.success(request, gettext("The view “%(name)s” is saved.") % {"name": view.name})
        return go_to(request, list_url(view_query(view)))

    def update(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Save the query and the columns of the list in the URL with its view."""
        view = _changeable(request, key)
        try:
            self._check(request)
            view = services.change_view(
                view_id=view.pk,
                actor=staff_user(request),
                query=normalised(request.GET.urlencode()),
                columns=keys_of(shown_columns(request)),
            )
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
            return go_to(request, list_url(request.GET.urlencode()))
        messages.success(request, gettext("The view “%(name)s” is saved.") % {"name": view.name})
        return go_to(request, list_url(view_query(view)))

    def edit(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Show the form with the name and the roles of a view, or save them."""
        view = _changeable(request, key)
        if request.method == "GET":
            return self._form(request, view.name, view=view)
        try:
            view = services.rename_view(
                view_id=view.pk,
                actor=staff_user(request),
                name=request.POST.get("name", ""),
                roles=_roles(request),
            )
        except NotAllowedError as refusal:
            return self._form(request, view.name, view=view, error=str(refusal))
        messages.success(request, gettext("The view “%(name)s” is saved.") % {"name": view.name})
        return go_to(request, list_url(request.GET.urlencode()))

    def move(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Move a view up or down among the views of its owner, and show the views again."""
        view = _changeable(request, key)
        services.move_view(view_id=view.pk, actor=staff_user(request), down=request.POST.get("to") == "down")
        if request.headers.get("HX-Request"):
            forget_views(request)
            response = self.views(request)
            response.headers["HX-Retarget"] = "#crm-dialog"
            response.headers["HX-Reswap"] = "innerHTML"
            return response
        return HttpResponseRedirect(f"{list_url()}views/?{request.GET.urlencode()}")

    def delete(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Delete a view. The list keeps its filters."""
        view = services.delete_view(view_id=_changeable(request, key).pk, actor=staff_user(request))
        messages.success(request, gettext("The view “%(name)s” is deleted.") % {"name": view.name})
        query = request.GET.copy()
        if view_key(query.get(VIEW_PARAMETER, "")) == key:
            query.pop(VIEW_PARAMETER)
        return go_to(request, list_url(query.urlencode() or normalised("")))

    def _check(self, request: HttpRequest) -> None:
        """Raise `NotAllowedError` if the list does not accept the query in the URL."""
        try:
            list_queryset(self.model_admin, request, request.GET)
        except (IncorrectLookupParameters, DisallowedModelAdminLookup) as refusal:
            raise NotAllowedError(gettext("These filters can't be saved: the list does not know them.")) from refusal

    def _form(
        self, request: HttpRequest, title: str, *, view: SavedView | None = None, error: str = ""
    ) -> HttpResponse:
        is_again = request.method == "POST"
        is_shop_view = view is not None and view.owner_id is None
        has_roles = may_share_views(request) and (view is None or is_shop_view)
        name, chosen = (view.name, [*view.roles.values_list("role", flat=True)]) if view is not None else ("", [])
        if is_again:
            name, chosen = request.POST.get("name", ""), _roles(request)
        context: dict[str, Any] = {
            "view": view,
            "name": name,
            "for_shop": is_shop_view or request.POST.get("for") == "shop",
            "may_share": may_share_views(request),
            "roles": [(role, role.pk in chosen) for role in Group.objects.order_by("name")] if has_roles else [],
            "longest": LONGEST_NAME,
            "error": error,
        }
        return self.dialog(request, "orders/list/view_form.html", title, context, is_again=is_again)


def _roles(request: HttpRequest) -> list[int]:
    return [int(key) for key in request.POST.getlist("role") if key.isascii() and key.isdecimal() and len(key) < 10]


def _changeable(request: HttpRequest, key: UUID) -> SavedView:
    """Return the view.

    Raise `Http404` if the user can't open it, and `PermissionDenied` if the user can't change it.
    """
    view = next((view for view in available_views(request) if view.pk == key), None)
    if view is None:
        raise Http404
    if not may_change_view(request, view):
        raise PermissionDenied
    return view


def _without_view(request: HttpRequest) -> HttpResponse:
    """Redirect to the list without the view in the URL, which was deleted. Raise `Http404` if it is another user's."""
    key = view_key(request.GET.get(VIEW_PARAMETER, ""))
    if key is not None and SavedView.objects.filter(pk=key).exists():
        raise Http404
    messages.warning(request, gettext("This view no longer exists."))
    query = request.GET.copy()
    query.pop(VIEW_PARAMETER)
    return HttpResponseRedirect(list_url(query.urlencode() or normalised("")))


def _without_filters(request: HttpRequest, view: SavedView) -> HttpResponse:
    """Redirect to the list with the view, and without the filters that it no longer accepts."""
    text = gettext("The filters of the view “%(name)s” no longer exist. Choose filters and save the view again.")
    messages.warning(request, text % {"name": view.name})
    return HttpResponseRedirect(list_url(f"{VIEW_PARAMETER}={view.pk}"))
