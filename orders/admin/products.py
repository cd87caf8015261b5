"""The products' pages."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_site.base import CrmModelAdmin
from orders.models import Product
from orders.presentation.formatting import money


@admin.register(Product)
class ProductAdmin(CrmModelAdmin):
    """The list and the pages of products. The catalogue belongs to the site."""

    list_display = ("name", "price_column", "is_active", "bitrix_product_id", "needs_attention")
    list_filter = ("is_active", "needs_attention")
    search_fields = ("name", "=bitrix_product_id")
    ordering = ("name", "id")
    readonly_fields = ("bitrix_product_id", "bitrix_updated_at", "created_at")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    ("price", "old_price"),
                    ("quantity", "slug"),
                    "image_url",
                    ("is_active", "needs_attention"),
                    ("bitrix_product_id", "bitrix_updated_at"),
                )
            },
        ),
    )

    @admin.display(description=_("price"), ordering="price")
    def price_column(self, product: Product) -> str:
        """Return the formatted price."""
        return money(product.price)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Return the products that match. The autocomplete field of an order's item finds only active products."""
        if request.GET.get("field_name") == "product" and request.path.endswith("/autocomplete/"):
            queryset = queryset.filter(is_active=True)
        return super().get_search_results(request, queryset, search_term)

    def has_delete_permission(self, request: HttpRequest, obj: Model | str | None = None) -> bool:
        """Return False: orders refer to the product. A product that is no longer sold is marked as inactive."""
        return False
