"""Reference data: statuses, cities, shops, delivery slots. Orders refer to them, so none can be deleted."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_site.features import FeatureModelAdmin
from orders.admin.badges import status_badge
from orders.admin.reference_refresh import RefreshFromSite
from orders.models import City, DeliverySlot, Shop, Status


class ReferenceAdmin(FeatureModelAdmin):
    """The base of the four pages."""

    features = (RefreshFromSite,)
    list_before_template = RefreshFromSite.template

    def has_delete_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Refuse: a row that is no longer used is marked inactive."""
        return False


@admin.register(Status)
class StatusAdmin(ReferenceAdmin):
    """Statuses; `Status.clean` checks the rules that involve other statuses."""

    list_display = ("badge", "code", "site_codes", "stage", "sort", "is_final", "needs_attention")
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
        """Make the code read-only after creation: orders and the timeline refer to the status by it."""
        return ("code",) if obj else ()

    @admin.display(description=_("name"), ordering="name")
    def badge(self, status: Status) -> SafeString:
        """Return the badge of the status."""
        return status_badge(status)

    @admin.display(description=_("codes on the site"))
    def site_codes(self, status: Status) -> str:
        """Return the site's codes; the first one is sent to the site."""
        return ", ".join(status.bitrix_codes) or "—"


class BitrixReferenceAdmin(ReferenceAdmin):
    """The base for rows that are identified by their id on the site."""

    list_display: tuple[str, ...] = ("name", "bitrix_id", "is_active", "needs_attention")
    list_filter = ("needs_attention", "is_active")
    search_fields: tuple[str, ...] = ("name", "=bitrix_id")
    ordering: tuple[str, ...] = ("name", "id")
    fieldsets: Any = ((None, {"fields": (("name", "bitrix_id"), ("is_active", "needs_attention"))}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Make the id read-only after creation: orders refer to the row by it."""
        return ("bitrix_id",) if obj else ()


@admin.register(City)
class CityAdmin(BitrixReferenceAdmin):
    """Cities of delivery."""


@admin.register(Shop)
class ShopAdmin(BitrixReferenceAdmin):
    """Shops."""


@admin.register(DeliverySlot)
class DeliverySlotAdmin(BitrixReferenceAdmin):
    """Intervals of delivery."""

    list_display = ("name", "starts_at", "ends_at", "bitrix_id", "is_active", "needs_attention")
    ordering = ("starts_at", "ends_at", "name")
    fieldsets = (
        (None, {"fields": (("name", "bitrix_id"), ("starts_at", "ends_at"), ("is_active", "needs_attention"))}),
    )
