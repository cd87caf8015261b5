"""The page of the plans of months, which the owner edits."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from cvety_crm.admin_site.base import CrmModelAdmin, without_related_buttons
from orders.models import MonthPlan
from orders.presentation.formatting import money, number

FORMATS = ("%Y-%m", "%m.%Y", "%Y-%m-%d", "%d.%m.%Y")
"""How a month may be typed: in a browser without an input for months, the input is a plain one."""


class MonthPlanForm(forms.ModelForm):
    """The form of a plan. Any day stands for its month."""

    month = forms.DateField(
        label=_("Month"),
        input_formats=FORMATS,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "month", "placeholder": "2026-12"}),
        error_messages={"invalid": _("Enter a month, such as 2026-12.")},
    )

    class Meta:
        model = MonthPlan
        fields = ("month", "shop", "amount", "orders")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["month"] = f"{self.instance.month or timezone.localdate():%Y-%m}"


@admin.register(MonthPlan)
class MonthPlanAdmin(CrmModelAdmin):
    """The list and the page of the plans. The home page of the owner compares sales with them."""

    form = MonthPlanForm
    list_display = ("month_column", "shop_column", "amount_column", "orders_column")
    list_filter = ("shop",)
    list_select_related = ("shop",)
    ordering = ("-month", "shop")
    fields = ("month", "shop", ("amount", "orders"))

    @admin.display(description=_("month"), ordering="month")
    def month_column(self, plan: MonthPlan) -> str:
        """Return the month, such as `December 2026`."""
        return capfirst(format_date(plan.month, "F Y"))

    @admin.display(description=_("shop"), ordering="shop")
    def shop_column(self, plan: MonthPlan) -> str:
        """Return the name of the shop, or that the plan is one of all orders."""
        return str(plan.shop) if plan.shop else gettext("all orders")

    @admin.display(description=pgettext_lazy("plan", "sum"), ordering="amount")
    def amount_column(self, plan: MonthPlan) -> str:
        """Return the planned sum."""
        return money(plan.amount)

    @admin.display(description=pgettext_lazy("plan", "orders"), ordering="orders")
    def orders_column(self, plan: MonthPlan) -> str:
        """Return the planned number of orders, or a dash."""
        return "—" if plan.orders is None else number(plan.orders)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Return the form field without the small buttons that edit a shop."""
        return without_related_buttons(super().formfield_for_dbfield(db_field, request, **kwargs))
