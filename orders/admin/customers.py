"""The customers' pages. The page of a customer lists the customer's latest orders and calls."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import F, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget

from cvety_crm.admin_site.base import AttentionColumn, first_rows, moment
from cvety_crm.admin_site.features import FeatureModelAdmin
from orders import services
from orders.admin.badges import status_badge, sync_badge
from orders.admin.customer_calls import calls_context
from orders.admin.customer_merging import CustomerMerging
from orders.admin.customer_privacy import CustomerPrivacy
from orders.admin.orders.forms import PhoneField
from orders.admin.phone_looks import note_list, note_row
from orders.models import Customer
from orders.presentation.formatting import money, number
from orders.presentation.payment import sum_text
from orders.presentation.phones import shown_phone
from orders.presentation.when import when_text
from orders.rules.visibility import HIDDEN, may_see_orders, may_see_phones, may_see_prices, shown_text
from orders.selectors.search import search_for
from orders.services import phone_looks
from orders.values.phone_masking import has_phone

ORDERS_SHOWN = 20


class CustomerForm(forms.ModelForm):
    """The form of a customer. It accepts the phone in any usual format, and refuses other texts once it is changed."""

    phone = PhoneField(label=_("Phone"))

    class Meta:
        model = Customer
        fields = ("name", "phone", "email", "birthday", "note", "needs_attention")
        widgets: ClassVar = {
            "name": UnfoldAdminTextareaWidget({"rows": 2}),
            "note": UnfoldAdminTextareaWidget({"rows": 4}),
        }

    def clean_phone(self) -> str:
        """Return the phone. Raise `ValidationError` if a changed phone is invalid."""
        phone: str = self.cleaned_data["phone"]
        if "phone" in self.changed_data:
            PhoneField.check(phone)
        return phone


@admin.register(Customer)
class CustomerAdmin(AttentionColumn, FeatureModelAdmin):
    """The list and the pages of customers."""

    features = (CustomerMerging, CustomerPrivacy)
    form = CustomerForm
    list_display = ("name_column", "phone_column", "email", "orders_column", "total_column", "last_order_column",
                    "attention_column")  # fmt: skip
    list_filter = ("needs_attention",)
    search_fields = ("name",)  # shows the search box; `get_search_results` does the search
    search_help_text = _("Name, phone, e-mail")
    ordering = ("-created_at", "-id")
    readonly_fields = ("bitrix_user_id", "created_at")
    fields = (("name", "phone"), ("email", "birthday"), "note", "needs_attention", ("bitrix_user_id", "created_at"))
    export_table = "customers"
    list_before_template = "orders/export_list.html"
    change_form_outer_before_template = "orders/customer_people.html"
    change_form_outer_after_template = "orders/customer_orders.html"

    @admin.display(description=pgettext_lazy("person", "name"))
    def name_column(self, customer: Customer) -> str:
        """Return the customer's name, or the masked phone if the customer has no name."""
        return shown_text(self.request.user, str(customer))

    @admin.display(description=_("note"))
    def note_column(self, customer: Customer) -> str:
        """Return the note. The phones in it are masked for a user who may not see phones."""
        return shown_text(self.request.user, customer.note) or "—"

    @admin.display(description=_("phone"))
    def phone_column(self, customer: Customer) -> str:
        """Return the phone as a link, or only its last digits for a user who may not see phones."""
        return shown_phone(self.request.user, customer.phone, customer.other_phones) or "—"

    @admin.display(description=_("orders"), ordering="orders_count")
    def orders_column(self, customer: Customer) -> str:
        """Return the number of orders, without cancelled ones, as a link to them."""
        if not customer.orders_count:
            return "—"
        url = f"{reverse('admin:orders_order_changelist')}?customer__id__exact={customer.pk}"
        return format_html('<a class="crm-link" href="{}">{}</a>', url, number(customer.orders_count))

    @admin.display(description=_("sum of the orders"), ordering="orders_total")
    def total_column(self, customer: Customer) -> str:
        """Return the known sum of the orders in KZT, without cancelled ones."""
        return money(customer.orders_total) if customer.orders_total else "—"

    @admin.display(description=_("last order"), ordering=F("last_order_at").asc(nulls_first=True))
    def last_order_column(self, customer: Customer) -> str:
        """Return when the last order was placed."""
        return moment(customer.last_order_at)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns that this user may see. The sum is only for users who may see all prices."""
        hidden: set[str] = set()
        if not may_see_orders(request.user):
            hidden = {"orders_column", "total_column", "last_order_column"}
        elif not may_see_prices(request.user, None):
            hidden = {"total_column"}
        return [name for name in self.list_display if name not in hidden]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        """Return the customers without loading the large columns."""
        return super().get_queryset(request).defer("search", "preferences", "bitrix_state")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the fields of the form for this user.

        A user who may not see phones sees only the last digits of the phone, and may change the other fields.
        """
        if obj is None:
            return self.fields[:-1]
        if may_see_phones(request.user):
            if isinstance(obj, Customer) and obj.other_phones:
                return (self.fields[0], "phone_column", *self.fields[1:])
            return self.fields
        if self.has_change_permission(request, obj):
            # An input would show a phone that somebody has typed into the name or the note.
            texts = {name: f"{name}_column" if has_phone(getattr(obj, name)) else name for name in ("name", "note")}
            return ((texts["name"], "phone_column"), self.fields[1], texts["note"], *self.fields[3:])
        return (("name_column", "phone_column"), ("email", "birthday"), "note_column", *self.fields[3:])

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Add the columns that show the name, the phone and the note to the read-only fields."""
        return (*super().get_readonly_fields(request, obj), "name_column", "phone_column", "note_column")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Customer], search_term: str
    ) -> tuple[QuerySet[Customer], bool]:
        """Search customers by name, by e-mail, and by phone in any format. The search uses an index.

        A customer is also found by what is known of those that were merged into it, which are not in the list.
        """
        queryset, query = queryset.filter(merged_into=None), search_for(request.user, search_term)
        if query is None:
            return queryset, False
        merged = Customer.objects.filter(search=query).exclude(merged_into=None).values("merged_into")
        return queryset.filter(Q(search=query) | Q(pk__in=merged)), False

    def has_delete_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return False: orders refer to the customer."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and record who has seen the phones."""
        response = super().changelist_view(request, extra_context)
        note_list(request, phone_looks.CUSTOMERS)
        return response

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        """Save the customer with a service."""
        if change:
            services.edit_customer(obj, changed=form.changed_data)
        else:
            services.add_customer(obj)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Show the page with the customer's latest orders and calls, if the user may see them."""
        customer = kwargs.get("obj")
        if isinstance(customer, Customer) and may_see_orders(request.user):
            queryset = customer.orders.select_related("status", "delivery_slot").defer(
                "search", "metadata", "bitrix_state"
            )
            orders, has_more = first_rows(queryset.order_by("-created_at"), ORDERS_SHOWN)
            context["customer_orders"] = [
                {
                    "order": order,
                    "url": reverse("admin:orders_order_change", args=[order.pk]),
                    "badge": status_badge(order.status),
                    "sync": sync_badge(order),
                    "when": when_text(order),
                    "sum": sum_text(order) if may_see_prices(request.user, order.delivery_date) else HIDDEN,
                }
                for order in orders
            ]
            context["all_orders_url"] = (
                f"{reverse('admin:orders_order_changelist')}?customer__id__exact={customer.pk}" if has_more else ""
            )
        if isinstance(customer, Customer):
            context |= calls_context(request, customer)
            note_row(request, customer)
        return super().render_change_form(request, context, **kwargs)
