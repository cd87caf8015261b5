"""The list of the differences that comparisons have found, by day. They are decided on the page of their comparison."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bitrix_bridge.models import Difference
from bitrix_bridge.reconciliation.labels import rows
from cvety_crm.admin_site.base import ReadOnlyModelAdmin, admin_link, badge
from cvety_crm.admin_site.filters import DayOrRangeFilter
from cvety_crm.admin_site.navigation import may_view
from orders.models import long_columns


@admin.register(Difference)
class DifferenceAdmin(ReadOnlyModelAdmin):
    """The list of differences. A row leads to its comparison."""

    list_display = (
        "comparison_column",
        "order_column",
        "what_column",
        "ours_column",
        "theirs_column",
        "outcome_column",
    )
    list_display_links = ("comparison_column",)
    list_filter = (
        ("outcome", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("created_at", DayOrRangeFilter),
    )
    list_select_related = ("order", "run", "resolved_by")
    ordering = ("-created_at", "-id")

    def has_view_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user may see comparisons, of which differences are a part."""
        return may_view(request.user, "bitrix_bridge.reconciliation")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may see comparisons."""
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Difference]:
        """Return the differences without loading the long columns of their orders."""
        return super().get_queryset(request).defer(*long_columns("order"))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list page with the texts of its rows, whose names are read at once."""
        page = super().get_changelist_instance(request)
        page.result_list = list(page.result_list)
        for row in rows(page.result_list, may_decide=False, reader=request.user):
            row.difference.texts = row  # type: ignore[attr-defined]
        return page

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Redirect to the comparison, whose page shows the difference."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        difference = self.get_object(request, object_id)
        if difference is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return HttpResponseRedirect(_url(difference))

    # --- columns

    @admin.display(description=_("comparison"), ordering="created_at")
    def comparison_column(self, one: Difference) -> str:
        """Return when the comparison was that has found the difference."""
        return str(one.run)

    @admin.display(description=_("order"))
    def order_column(self, one: Difference) -> str:
        """Return a link to the order, or its id on the site."""
        if one.order is None:
            return f"ID\N{NO-BREAK SPACE}{one.bitrix_order_id}"
        return admin_link(one.order, f"№\N{NO-BREAK SPACE}{one.order.order_number}", request=self.request)

    @admin.display(description=_("what differs"))
    def what_column(self, one: Any) -> str:
        """Return the name of the field."""
        return str(one.texts.label)

    @admin.display(description=_("here"))
    def ours_column(self, one: Any) -> str:
        """Return the value in the CRM."""
        return str(one.texts.ours)

    @admin.display(description=_("on the site"))
    def theirs_column(self, one: Any) -> str:
        """Return the value on the site."""
        return str(one.texts.theirs)

    @admin.display(description=_("outcome"))
    def outcome_column(self, one: Any) -> SafeString:
        """Return a badge with the outcome."""
        return badge(one.texts.css, one.texts.sign, one.get_outcome_display())


def _url(one: Difference) -> str:
    run = reverse("admin:bitrix_bridge_reconciliation_change", args=[one.run_id])
    return f"{run}?show=all#differences"
