"""The products' pages."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_site.base import AttentionColumn, CrmModelAdmin
from orders.models import Product
from orders.presentation.formatting import money, number, plain
from orders.product_pictures.links import product_picture
from orders.product_pictures.sources import SourceRefusedError, source_url
from orders.templatetags.pictures import picture

LIST_SIDE, PAGE_SIDE = 40, 160  # CSS pixels
NUMBERS = ("price", "old_price", "quantity")


class ProductForm(forms.ModelForm):
    """The form of a product. Whole numbers are shown without a fraction."""

    class Meta:
        model = Product
        fields = ("name", *NUMBERS, "slug", "image_url", "is_active", "needs_attention")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in NUMBERS:
            if name in self.fields and self.initial.get(name) is not None:
                self.initial[name] = plain(self.initial[name])

    def clean_image_url(self) -> str:
        """Return the address of the picture. Raise `ValidationError` if the CRM may not fetch it from there."""
        address: str = self.cleaned_data["image_url"].strip()
        if address and "image_url" in self.changed_data:
            try:
                source_url(address)
            except SourceRefusedError as refusal:
                message = gettext("Write a path on the site, such as /upload/bouquet.jpg: %(reason)s.")
                raise forms.ValidationError(message % {"reason": refusal}) from refusal
        return address

    def save(self, commit: bool = True) -> Any:
        """Save the product. A picture that staff have chosen has no source on the site."""
        if "image_url" in self.changed_data:
            self.instance.picture_source = ""
        return super().save(commit)


@admin.register(Product)
class ProductAdmin(AttentionColumn, CrmModelAdmin):
    """The list and the pages of products. The catalogue belongs to the site."""

    list_display = ("name", "picture_column", "price_column", "is_active", "bitrix_product_id", "attention_column")
    list_filter = ("is_active", "needs_attention")
    search_fields = ("name", "=bitrix_product_id")
    ordering = ("name", "id")
    export_table = "products"
    list_before_template = "orders/export_list.html"
    form = ProductForm
    readonly_fields = ("picture_field", "picture_source", "bitrix_product_id", "bitrix_updated_at", "created_at")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "picture_field",
                    "name",
                    ("price", "old_price"),
                    ("quantity", "slug"),
                    ("image_url", "picture_source"),
                    ("is_active", "needs_attention"),
                    ("bitrix_product_id", "bitrix_updated_at"),
                )
            },
        ),
    )

    @admin.display(description=_("picture"))
    def picture_column(self, product: Product) -> str:
        """Return the small picture."""
        return picture(product_picture(product), LIST_SIDE)

    @admin.display(description=_("picture"))
    def picture_field(self, product: Product) -> str:
        """Return the picture, or a dash for a product without a picture."""
        return picture(product_picture(product), PAGE_SIDE) if product.image_url else "—"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        """Return the products without their long columns."""
        return super().get_queryset(request).defer("search", "metadata")

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Return the fieldsets, with formatted numbers for a user who may only view the product."""
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        shown_picture, name, _numbers, _stock, *others = self.fieldsets[0][1]["fields"]
        shown = (shown_picture, name, ("price_column", "old_price_column"), ("quantity_column", "slug"), *others)
        return ((None, {"fields": shown}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Add the columns with formatted numbers to the read-only fields."""
        return (*super().get_readonly_fields(request, obj), "price_column", "old_price_column", "quantity_column")

    @admin.display(description=_("old price"))
    def old_price_column(self, product: Product) -> str:
        """Return the formatted old price."""
        return money(product.old_price)

    @admin.display(description=_("in stock"))
    def quantity_column(self, product: Product) -> str:
        """Return the quantity without trailing zeros."""
        return "—" if product.quantity is None else number(product.quantity)

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
