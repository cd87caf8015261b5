"""The list of who has seen whose phone, for the owner, and the functions by which pages record it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR
from django.db.models import F, Model, Q, QuerySet
from django.db.models.functions import Coalesce, Left
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from cvety_crm.admin_site.base import ReadOnlyModelAdmin, moment
from cvety_crm.admin_site.filters import DayOrRangeFilter
from cvety_crm.users import display_name, staff_user
from orders.models import Customer, ExportRun, Order, PhoneLook
from orders.presentation.formatting import number
from orders.rules.visibility import shown_text
from orders.selectors.search import search_for
from orders.services import phone_looks

NAME_LENGTH = 60
_LISTS = {phone_looks.ORDERS: _("Orders"), phone_looks.CUSTOMERS: _("Customers")}


def note_row(request: HttpRequest, row: Order | Customer) -> None:
    """Record that the user reads the page of an order or of a customer."""
    if request.method != "GET":
        return
    if isinstance(row, Order):
        phone_looks.record_look(staff_user(request), PhoneLook.Kind.ORDER, order=row.pk)
    else:
        phone_looks.record_look(staff_user(request), PhoneLook.Kind.CUSTOMER, customer=row.pk)


def note_list(request: HttpRequest, name: str) -> None:
    """Record that the user reads a list with phones, or has searched by phone."""
    if request.method == "GET":
        query, page = request.GET.get(SEARCH_VAR, ""), request.GET.get(PAGE_VAR, "")
        phone_looks.record_list(staff_user(request), name, query=query, page=page)


@admin.register(PhoneLook)
class PhoneLookAdmin(ReadOnlyModelAdmin):
    """The list of looks at phones. No one can change it."""

    list_display = ("last_column", "who_column", "kind_column", "whom_column", "looks_column")
    list_display_links = ("last_column",)
    list_filter = (("user", RelatedDropdownFilter), ("kind", ChoicesDropdownFilter), ("day", DayOrRangeFilter))
    list_select_related = ("user",)
    search_fields = ("subject",)  # shows the search box; `get_search_results` does the search
    search_help_text = _("Whose phone: number of the order, name, phone")
    ordering = ("-last_at", "-id")
    fields = ("last_column", "who_column", "kind_column", "whom_column", "looks_column")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PhoneLook]:
        """Return the rows with the number of the order and the beginning of the customer's name."""
        name = Coalesce(Left("customer__name", NAME_LENGTH), Left("order__customer__name", NAME_LENGTH))
        found = super().get_queryset(request).select_related("user")
        return found.annotate(order_number=F("order__order_number"), customer_name=name)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[PhoneLook], search_term: str
    ) -> tuple[QuerySet[PhoneLook], bool]:
        """Find the looks at orders and customers that the search finds, and at the orders of these customers."""
        query = search_for(request.user, search_term)
        if query is None:
            return queryset, False
        people = Customer.objects.filter(search=query).values("pk")
        orders = Order.objects.filter(Q(search=query) | Q(customer__in=people)).values("pk")
        return queryset.filter(Q(order__in=orders) | Q(customer__in=people)), False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        return request.user.has_perm("orders.view_phonelook")

    @admin.display(description=_("last time"), ordering="last_at")
    def last_column(self, look: PhoneLook) -> str:
        """Return when the user has last looked on this day."""
        return moment(look.last_at)

    @admin.display(description=_("who"), ordering="user__username")
    def who_column(self, look: PhoneLook) -> str:
        """Return the name of the user."""
        return display_name(look.user) or "—"

    @admin.display(description=_("what"), ordering="kind")
    def kind_column(self, look: PhoneLook) -> str:
        """Return what the user has opened."""
        return look.get_kind_display()

    @admin.display(description=_("whose phone"))
    def whom_column(self, look: Any) -> str:
        """Return a link to the order or to the customer, or what was searched or exported."""
        name = shown_text(self.request.user, look.customer_name or "") or gettext("Customer without a name")
        if look.order_id is not None:
            url, text = reverse("admin:orders_order_change", args=[look.order_id]), f"№ {look.order_number} · {name}"
        elif look.customer_id is not None:
            url, text = reverse("admin:orders_customer_change", args=[look.customer_id]), name
        elif look.kind == PhoneLook.Kind.EXPORT:
            url = reverse("admin:orders_exportrun_change", args=[look.subject])
            text = str(ExportRun._meta.verbose_name).capitalize()
        else:
            return str(_LISTS.get(look.subject, look.subject)) or "—"
        return format_html('<a class="crm-link" href="{}">{}</a>', url, text)

    @admin.display(description=pgettext_lazy("phones", "times"), ordering="looks")
    def looks_column(self, look: PhoneLook) -> str:
        """Return how often on this day."""
        return number(look.looks)
