"""The admin site. Each page of the admin has its context."""

from http import HTTPStatus
from typing import Any

from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite


class CrmAdminSite(UnfoldAdminSite):
    """Unfold's admin site, which makes the list of all apps and models only for the pages that show it."""

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Return the apps with their models as Django does, but make the list when it is read.

        It checks the permissions and finds the URLs of each model. Django passes it to every page of the admin, and the
        sidebar does not show it (`cvety_crm.admin_site.navigation`).
        """
        make = super().get_app_list
        return SimpleLazyObject(lambda: make(request, app_label))

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the page on which staff sign in. Django's own would not ask for the second factor."""
        from cvety_crm.sign_in.views import sign_in  # the models are not loaded yet when this module is

        response: Any = sign_in(request)
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Let users change their own password, and record it. Their other sessions end."""
        from cvety_crm.sign_in import log
        from cvety_crm.users import staff_user

        response: HttpResponse = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            log.record(log.Kind.PASSWORD_CHANGED, staff_user(request), request=request)
        return response

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Return a page of the results of the command palette. Raise `Http404` if there is no such page."""
        try:
            response: HttpResponse = super().search(request, extra_context)
        except InvalidPage:
            raise Http404 from None
        return response


class CrmAdminConfig(AdminConfig):
    """The app of Django's admin with the CRM's admin site."""

    default_site = "cvety_crm.admin_site.site.CrmAdminSite"
