"""The pages of reference data: statuses, cities, shops, delivery slots and pay systems.

No row can be deleted, because orders refer to the rows.
"""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_site.base import AttentionColumn
from cvety_crm.admin_site.features import Feature, FeatureModelAdmin
from cvety_crm.users import staff_user
from orders import services
from orders.admin.badges import status_badge
from orders.admin.pay_systems import PaymentMethods
from orders.admin.reference_refresh import RefreshFromSite
from orders.admin.site_statuses import SiteStatuses, moved_message, stage_message
from orders.models import City, DeliverySlot, PaySystem, Shop, Status


class ReferenceAdmin(AttentionColumn, FeatureModelAdmin):
    """The base admin of reference data."""

    features: tuple[type[Feature[Any]], ...] = (RefreshFromSite,)
    list_before_template = RefreshFromSite.template

    def has_delete_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return False: orders refer to the row. A city, shop or delivery slot can be marked as inactive instead."""
        return False


@admin.register(Status)
class StatusAdmin(ReferenceAdmin):
    """The list and the pages of statuses. `Status.clean` checks the rules that involve several statuses."""

    features = (RefreshFromSite, SiteStatuses)
    list_before_template = SiteStatuses.template
    list_display = ("badge", "code", "site_codes", "stage", "sort", "is_final", "attention_column")
    list_filter = ("needs_attention", "stage", "is_final")
    search_fields = ("name", "code")
    ordering = ("sort", "code")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "code"),
                    ("stage", "sort"),
                    "bitrix_codes",
                    "next_codes",
                    ("is_final", "needs_attention"),
                )
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Make the code read-only after creation, because orders and the timeline refer to the status by its code."""
        return ("code",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Status, form: Any, change: bool) -> None:
        """Save the status with the service, and report how many orders have moved with its stage or its codes."""
        outcome = services.save_status(status=obj, actor=staff_user(request))
        if "stage" in form.changed_data and change:
            messages.info(request, stage_message(outcome))
        elif outcome.orders:
            messages.info(request, moved_message(outcome))

    @admin.display(description=_("name"), ordering="name")
    def badge(self, status: Status) -> SafeString:
        """Return the badge of the status."""
        return status_badge(status)

    @admin.display(description=_("codes on the site"))
    def site_codes(self, status: Status) -> str:
        """Return the codes of the status on the site. The first code is sent to the site."""
        return ", ".join(status.bitrix_codes) or "—"


class BitrixReferenceAdmin(ReferenceAdmin):
    """The base admin of rows that are identified by their id on the site."""

    list_display: tuple[str, ...] = ("name", "bitrix_id", "is_active", "attention_column")
    list_filter = ("needs_attention", "is_active")
    search_fields: tuple[str, ...] = ("name", "=bitrix_id")
    ordering: tuple[str, ...] = ("name", "id")
    fieldsets: Any = ((None, {"fields": (("name", "bitrix_id"), ("is_active", "needs_attention"))}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Make the id read-only after creation, because orders refer to the row by its id."""
        return ("bitrix_id",) if obj else ()


@admin.register(City)
class CityAdmin(BitrixReferenceAdmin):
    """The list and the pages of cities."""


@admin.register(Shop)
class ShopAdmin(BitrixReferenceAdmin):
    """The list and the pages of shops."""


@admin.register(DeliverySlot)
class DeliverySlotAdmin(BitrixReferenceAdmin):
    """The list and the pages of delivery slots."""

    list_display = ("name", "starts_at", "ends_at", "daily_capacity", "bitrix_id", "is_active", "attention_column")
    ordering = ("starts_at", "ends_at", "name")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "bitrix_id"),
                    ("starts_at", "ends_at"),
                    "daily_capacity",
                    ("is_active", "needs_attention"),
                )
            },
        ),
    )


@admin.register(PaySystem)
class PaySystemAdmin(BitrixReferenceAdmin):
    """The list and the pages of pay systems. The payment method is chosen on a page of its own."""

    features = (RefreshFromSite, PaymentMethods)
    list_before_template = PaymentMethods.template
    list_display = ("name", "method", "bitrix_id", "is_active", "needs_attention")
    ordering = ("bitrix_id",)
    fieldsets = ((None, {"fields": (("name", "bitrix_id"), "method", ("is_active", "needs_attention"))}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Make the method read-only, and also the id after creation."""
        return ("method", *super().get_readonly_fields(request, obj))

    def save_model(self, request: HttpRequest, obj: PaySystem, form: Any, change: bool) -> None:
        """Save the pay system with the service."""
        services.save_pay_system(obj, changed=form.changed_data)

    @admin.display(description=_("payment method"), ordering="payment_method")
    def method(self, system: PaySystem) -> str:
        """Return the payment method, or “not chosen”."""
        return system.get_payment_method_display() or gettext("not chosen")
