"""The list of the timeline entries of all orders. It shows who did what on a given day."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from cvety_crm.admin_site.base import ReadOnlyModelAdmin, admin_link
from cvety_crm.admin_site.filters import DayOrRangeFilter
from orders.admin.panels import event_links
from orders.models import Order, OrderEvent, long_columns
from orders.presentation.timeline import timeline
from orders.rules.visibility import hidden_fields


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnlyModelAdmin):
    """The read-only list and pages of timeline entries."""

    list_display = ("created_column", "order_column", "kind", "source", "actor", "reason")
    list_display_links = ("created_column",)
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        ("created_at", DayOrRangeFilter),
    )
    list_select_related = ("order", "actor")
    search_fields = ("order__order_number",)
    search_help_text = _("Number of the order")
    ordering = ("-happened_at", "-created_at")
    fields = ("order_column", "entry")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderEvent]:
        """Return the entries without loading their contents, which only the page of an entry shows."""
        return super().get_queryset(request).defer("changes", "details", *long_columns("order"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OrderEvent], search_term: str
    ) -> tuple[QuerySet[OrderEvent], bool]:
        """Search entries by the order's number. The search uses an index."""
        number = search_term.strip().lstrip("№# ")
        if not number:
            return queryset, False
        return queryset.filter(order__in=Order.objects.filter(order_number=number)), False

    @admin.display(description=_("order"))
    def order_column(self, event: OrderEvent) -> str:
        """Return a link to the order."""
        return admin_link(event.order, request=self.request)

    @admin.display(description=_("entry"))
    def entry(self, event: OrderEvent) -> SafeString:
        """Return the entry in the format of the timeline on the order's page."""
        hidden = hidden_fields(self.request.user, event.order.delivery_date)
        context: dict[str, Any] = {
            "entries": timeline([event], hidden=hidden),
            "entry_links": event_links(self.request),
        }
        return render_to_string("orders/timeline.html", context)
