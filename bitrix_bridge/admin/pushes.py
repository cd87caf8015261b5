"""The admin of pushes, with their attempts and with the actions for a failed push."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from bitrix_bridge.admin.exchange_counts import CountedPushesFilter
from bitrix_bridge.models import Push, PushAttempt
from cvety_crm.admin_site.base import admin_link, pretty_json
from cvety_crm.admin_site.filters import DayOrRangeFilter
from cvety_crm.admin_site.outbox import AttemptInline, OutboxEntryAdmin
from orders.models import Order, long_columns
from orders.presentation.timeline import field_label
from orders.rules.visibility import reason_to_hide_raw
from orders.services import reassess_sync_state


class PushAttemptInline(AttemptInline):
    """The attempts to deliver a push."""

    model = PushAttempt

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields. Leave out the site's response if the user may not see everything in it."""
        return [name for name in self.fields if name != "answer_column" or not reason_to_hide_raw(request.user)]


@admin.register(Push)
class PushAdmin(OutboxEntryAdmin):
    """The list of pushes and the page of one push."""

    list_display = (
        "created_column",
        "order_column",
        "state_column",
        "what_column",
        "attempts",
        "next_column",
        "reason_column",
    )
    list_display_links = ("created_column",)
    list_filter = (("state", ChoicesDropdownFilter), CountedPushesFilter, ("created_at", DayOrRangeFilter))
    extra_lookups = ("order__id__exact",)
    list_select_related = ("order",)
    search_fields = ("order__order_number",)
    search_help_text = _("Number of the order")
    inlines = (PushAttemptInline,)
    fieldsets = (
        (None, {"fields": ("order_column", "state_column", "what_column", "reason_column")}),
        (_("Attempts"), {"fields": ("attempts", "next_column", "created_at", "finished_at", "retry_by")}),
        (_("Last request"), {"fields": ("request_column",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Push]:
        """Defer the requests and the order's large columns until they are read."""
        return super().get_queryset(request).defer("request", *long_columns("order"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Push], search_term: str
    ) -> tuple[QuerySet[Push], bool]:
        """Search by the order's number, which has an index."""
        number = search_term.strip().lstrip("№# ")
        if not number:
            return queryset, False
        return queryset.filter(order__in=Order.objects.filter(order_number=number)), False

    def after_retry(self, entry: Any) -> None:
        """Record in the order that its changes are pending again."""
        reassess_sync_state(order_id=entry.order_id, by_person=True)

    @admin.display(description=_("order"))
    def order_column(self, push: Push) -> str:
        """Return a link to the order."""
        return admin_link(push.order, f"№\N{NO-BREAK SPACE}{push.order.order_number}", request=self.request)

    @admin.display(description=_("what to send"))
    def what_column(self, push: Push) -> str:
        """Return the labels of the fields for which the push was queued."""
        return ", ".join(field_label(name) for name in push.fields) or str(_("the whole order"))

    @admin.display(description=_("request"))
    def request_column(self, push: Push) -> str:
        """Return the last request as formatted JSON, without the token, or the reason why the user may not see it."""
        return reason_to_hide_raw(self.request.user) or pretty_json(push.request)
