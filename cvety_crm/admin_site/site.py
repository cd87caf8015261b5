"""The admin site. Each page of the admin has its context."""

from typing import Any

from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
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


class CrmAdminConfig(AdminConfig):
    """The app of Django's admin with the CRM's admin site."""

    default_site = "cvety_crm.admin_site.site.CrmAdminSite"
