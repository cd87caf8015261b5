"""The admin of orders. It combines the list, the form and the features, each of which has its own module."""

from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.db.models import Field, Model, QuerySet
from django.forms import Field as FormField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from cvety_crm.admin_site.base import without_related_buttons
from cvety_crm.admin_site.filters import DayOrRangeFilter
from orders.admin.actions.assignment import Assignment
from orders.admin.actions.bulk import SelectAll, choose, refusal
from orders.admin.actions.conflicts import Conflicts
from orders.admin.actions.export import Export
from orders.admin.actions.making import Making
from orders.admin.actions.messages import Messages
from orders.admin.actions.next_step import NextStep
from orders.admin.actions.other_customer import OtherCustomer
from orders.admin.actions.presence import Presence
from orders.admin.actions.printing import Printing
from orders.admin.actions.problems import Problems
from orders.admin.actions.resend import Resending
from orders.admin.actions.row_dialogs import RowDialogs
from orders.admin.actions.status import StatusChange, change_status_dialog
from orders.admin.actions.undo import Undo
from orders.admin.new_order.view import NewOrder
from orders.admin.orders.change_view import OrderFormAdmin
from orders.admin.orders.changelist import ListHead, OrderChangeList, note_many_found
from orders.admin.orders.column_dialog import ColumnDialog
from orders.admin.orders.filter_dialog import FilterDialog
from orders.admin.orders.filters import (
    ActiveRowsFilter,
    CountedFilter,
    CourierFilter,
    FloristFilter,
    ProblemFilter,
    ReportRowFilter,
    StageFilter,
)
from orders.admin.orders.header import OrderHeader
from orders.admin.orders.items_inline import ItemInline
from orders.admin.orders.list_views import ListViews
from orders.admin.orders.live_updates import LiveUpdates
from orders.admin.orders.neighbours import Neighbours
from orders.admin.orders.notes import Notes
from orders.admin.orders.page_blocks import PageBlocks, fieldsets
from orders.admin.orders.payments import Payments
from orders.admin.orders.photos import Photos
from orders.admin.permissions import may_change_status
from orders.admin.phone_looks import note_list
from orders.admin.rows.columns import COLUMNS
from orders.models import Order
from orders.rules.visibility import hidden_fields
from orders.selectors.order_search import search_orders
from orders.selectors.search import search_for
from orders.services import phone_looks

HEAVY = ("search", "metadata", "bitrix_state")

FEATURES = (
    SelectAll,
    StatusChange,
    NextStep,
    Making,
    Undo,
    Conflicts,
    Assignment,
    Problems,
    OtherCustomer,
    Notes,
    Messages,
    Presence,
    Resending,
    Printing,
    Payments,
    Photos,
    Export,
    NewOrder,
    ListHead,
    FilterDialog,
    ColumnDialog,
    ListViews,
    RowDialogs,
    LiveUpdates,
    OrderHeader,
    Neighbours,
    PageBlocks,
)
"""The features of the order's pages. The menu of bulk actions is sorted in the same way."""


@admin.register(Order)
class OrderAdmin(OrderFormAdmin):
    """The order list and the order page."""

    features = FEATURES
    keeps_history = False  # the page of the order shows the timeline
    list_display = tuple(column.as_display() for column in COLUMNS)
    list_display_links = None  # the template of a row has the link
    list_filter = (
        ("delivery_date", DayOrRangeFilter),
        ("status", RelatedDropdownFilter),
        StageFilter,
        ("city", ActiveRowsFilter),
        ("shop", ActiveRowsFilter),
        FloristFilter,
        ("courier", CourierFilter),
        ("sync_state", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        ProblemFilter,
        ("created_at", DayOrRangeFilter),
        CountedFilter,
        ReportRowFilter,
    )
    extra_lookups = ("customer__id__exact",)
    list_select_related = ("status", "city", "delivery_slot")
    search_fields = ("order_number",)  # shows the search box; `get_search_results` does the search
    search_help_text = _("Number, name, address, phone, courier, product")
    ordering = ("-created_at", "-id")
    actions_row = ("change_status_dialog",)  # Unfold makes the URL of the dialog from this
    change_status_dialog = change_status_dialog  # Unfold looks up the action by this name
    inlines = (ItemInline,)
    autocomplete_fields = ("customer",)
    fieldsets = fieldsets()

    def has_delete_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return False: an order is cancelled, never deleted."""
        return False

    def has_change_status_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return whether the user may change statuses. Unfold calls this method for the action of a row."""
        return may_change_status(request)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the page for a new order instead of Django's form."""
        return self.feature(NewOrder).page(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, run a bulk action, or redirect to the list with the default view of the user's role.

        If the action can't be run, say why and show the list again.
        """
        if request.method == "POST" and (why := refusal(request, self.get_actions(request))):
            messages.error(request, why)
            return HttpResponseRedirect(request.get_full_path())
        show = super().changelist_view
        response = self.feature(ListViews).opened(request, lambda: show(request, extra_context))
        if response.status_code == HTTPStatus.OK:
            note_list(request, phone_looks.ORDERS)
        return response

    def response_action(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Run a bulk action on the ticked orders, or on the orders of a frozen selection."""
        response: HttpResponse | None = super().response_action(request, choose(request, queryset))
        return response

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[OrderChangeList]:
        """Return the class of the order list."""
        return OrderChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        """Return the orders without loading the large columns."""
        return (
            super()
            .get_queryset(request)
            .select_related("customer", "pay_system", *self.list_select_related)
            .defer(*HEAVY)
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """Search orders by number, names, address, details and phone in any format, also the customer's phone.

        The names of couriers, and the names and details of the items are also searched. The search uses indexes.
        """
        query = search_for(request.user, search_term)
        if query is None:
            return queryset, False
        found, is_many = search_orders(queryset, query)
        if is_many:
            note_many_found(request)
        return found, False

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """Return the sortable columns. A user who may not see prices cannot sort by the sum."""
        columns = super().get_sortable_by(request)
        is_priced = "total_amount" not in hidden_fields(request.user, None)
        return [column for column in columns if is_priced or getattr(column, "__name__", "") != "amount"]

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> FormField | None:
        """Return the form field without the small buttons that edit a delivery slot or a city."""
        return without_related_buttons(super().formfield_for_dbfield(db_field, request, **kwargs))
