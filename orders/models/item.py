"""The model of order items."""

from decimal import Decimal

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from cvety_crm.tables import Table
from orders.models.order import Order
from orders.models.product import Product
from orders.values.search_document import search_document

_NO_SUM = '!(@.%s like_regex "price|sum|cost|amount|total|discount|tax|fee|bonus|cashback|vat" flag "i")'
_NO_SUMS = " && ".join(_NO_SUM % key for key in ("CODE", "code", "NAME", "name"))
SEARCHED_DETAILS = (
    # A user who may not see prices must not find an item by an amount.
    *(f"$.properties[*] ? ({_NO_SUMS}).{key}" for key in ("VALUE", "value")),
    f'strict $.properties.keyvalue() ? ({_NO_SUM % "key"}).value ? (@.type() != "object")',
    *(f"$.properties.keyvalue() ? ({_NO_SUM % 'key'}).value.{key}" for key in ("VALUE", "value")),
    "$.notes",
    "$.name",
)
"""The JSON paths in the product snapshot of the values by which an item is found, such as the name and the size.

They match the properties of an item in each format that senders use.
"""


class OrderItem(Table):
    """One item of an order. Prices are in KZT, with four decimals as on the site. Only the
    total is rounded, after multiplying. The product snapshot is the product when the order was placed.

    `unknown_values` maps `quantity` and `price` to the text that the site sent, if the value could not be read, or to
    `""`, if the site has sent none. The columns of unknown values contain zero, which no page shows.
    """

    order = models.ForeignKey(Order, verbose_name=_("order"), on_delete=models.CASCADE, related_name="items")
    product = models.ForeignKey(
        Product, verbose_name=_("product"), null=True, blank=True, on_delete=models.SET_NULL, related_name="items"
    )
    bitrix_product_id = models.BigIntegerField(_("product's id on the site"), null=True, blank=True)
    bitrix_basket_id = models.BigIntegerField(_("line's id on the site"), null=True, blank=True)
    position = models.PositiveIntegerField(_("position"), default=0, db_default=0, editable=False)
    quantity = models.DecimalField(
        _("quantity"),
        max_digits=10,
        decimal_places=3,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.001"))],
    )
    price = models.DecimalField(_("price"), max_digits=14, decimal_places=4, default=Decimal(0))
    total = models.DecimalField(_("total"), max_digits=14, decimal_places=2, default=Decimal(0), editable=False)
    product_snapshot = models.JSONField(_("product as it was"), default=dict, db_default={}, blank=True)
    unknown_values = models.JSONField(_("unknown values"), default=dict, db_default={}, blank=True, editable=False)

    search = models.GeneratedField(
        expression=search_document(json_paths={"product_snapshot": SEARCHED_DETAILS}),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        db_table = "order_items"
        ordering = ["position", "created_at"]
        verbose_name = _("item")
        verbose_name_plural = _("items")
        indexes = [GinIndex(fields=["search"], name="order_items_search")]
        constraints = [
            models.UniqueConstraint(fields=["order", "bitrix_basket_id"], name="order_items_basket_line"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Return the name that the product had when the order was placed."""
        return self.product_snapshot.get("name") or str(_("Product without a name"))

    def is_unknown(self, name: str) -> bool:
        """Return whether the quantity or the price is unknown."""
        return name in self.unknown_values
