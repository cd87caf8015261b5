"""What staff have added to orders."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_base import ReadOnlyModelAdmin, admin_link
from orders.models import OrderNote, OrderPhoto


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
