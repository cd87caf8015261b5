"""Couriers, and what staff have added to orders."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_base import CrmModelAdmin, ReadOnlyModelAdmin, admin_link
from orders.models import Courier, OrderNote, OrderPhoto
from orders.visibility import may_see_phones, shown_phone


@admin.register(Courier)
class CourierAdmin(CrmModelAdmin):
    """Who delivers."""

    list_display = ("name", "phone_column", "telegram", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "phone")
    ordering = ("name", "id")

    @admin.display(description=_("phone"))
    def phone_column(self, courier: Courier) -> str:
        """Return the phone as this user may see it."""
        return shown_phone(self.request.user, courier.phone) or "—"

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the fields; whoever may not see phones sees the end of this one, and changes the others."""
        phone = "phone" if obj is None or may_see_phones(request.user) else "phone_column"
        return ("name", phone, "telegram", "is_active")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return what is shown and not edited."""
        return (*super().get_readonly_fields(request, obj), "phone_column")

    def has_delete_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Refuse: who no longer works here is marked so, and his orders still name him."""
        return False


class _OfOrder(ReadOnlyModelAdmin):
    list_select_related = ("order", "author")
    ordering = ("-created_at", "-id")

    @admin.display(description=_("order"))
    def order_column(self, row: OrderNote | OrderPhoto) -> str:
        """Return a link to the order."""
        return admin_link(row.order, request=self.request)


@admin.register(OrderNote)
class OrderNoteAdmin(_OfOrder):
    """Notes, written on the orders' pages."""

    list_display = ("created_column", "order_column", "author", "text")
    fields = ("order_column", "author", "created_at", "text")
    list_display_links = ("created_column",)


@admin.register(OrderPhoto)
class OrderPhotoAdmin(_OfOrder):
    """Photos of bouquets."""

    list_display = ("created_column", "order_column", "author")
    fields = ("order_column", "author", "created_at")
    list_display_links = ("created_column",)
