"""The model of products."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils.translation import gettext_lazy as _

from cvety_crm.tables import Table
from orders.values.search_document import search_document

NAME_LENGTH = 600
"""The maximum length of a name. The index of names can't contain longer texts."""


class PictureSource(models.TextChoices):
    """The field of the site that contains the address of a product's picture."""

    DETAIL = "DETAIL_PICTURE", _("detailed picture")
    PREVIEW = "PREVIEW_PICTURE", _("preview picture")
    MINIATURE = "ru_img_miniature", _("miniature")
    PARENT = "PARENT_PICTURE", _("picture of the main product")
    ORDER = "order", _("sent with an order")


class Product(Table):
    """A product of the site's catalogue. Prices are in KZT."""

    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    slug = models.TextField(_("slug"), blank=True, default="", db_default="")
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=2, null=True, blank=True)
    old_price = models.DecimalField(_("old price"), max_digits=12, decimal_places=2, null=True, blank=True)
    quantity = models.DecimalField(_("in stock"), max_digits=12, decimal_places=3, null=True, blank=True)
    is_active = models.BooleanField(_("on sale"), default=True, db_default=True)
    bitrix_product_id = models.BigIntegerField(_("id on the site"), unique=True, null=True, blank=True)
    bitrix_updated_at = models.DateTimeField(_("changed on the site"), null=True, blank=True, editable=False)
    image_url = models.TextField(_("picture's address on the site"), blank=True, default="", db_default="")
    picture_source = models.CharField(
        _("where the picture is from"),
        max_length=30,
        choices=PictureSource,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    bitrix_parent_id = models.BigIntegerField(
        _("id of the main product on the site"), null=True, blank=True, db_index=True, editable=False
    )
    """The product of which this one is an offer, such as a size of a bouquet."""
    metadata = models.JSONField(_("other fields"), default=dict, db_default={}, blank=True)
    needs_attention = models.BooleanField(_("needs a look"), default=False, db_default=False)

    search = models.GeneratedField(
        expression=search_document(words=["name"]), output_field=SearchVectorField(), db_persist=True
    )

    class Meta:
        db_table = "products"
        ordering = ["name"]
        verbose_name = _("product")
        verbose_name_plural = _("products")
        indexes = [
            models.Index(fields=["name"], name="products_name"),
            GinIndex(fields=["search"], name="products_search"),
        ]

    def __str__(self) -> str:
        return self.name
