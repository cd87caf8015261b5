"""The table of products."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orders.export.cells import Kind
from orders.export.table import ExportTable
from orders.export.tables.columns import flag, moment, plain
from orders.export.tables.listed import finder
from orders.export.tables.rights import may_export
from orders.models import Product

PRODUCTS = ExportTable(
    "products",
    _("Products"),
    (
        plain("name", pgettext_lazy("column", "Product"), "name", 40),
        plain("price", _("Price, ₸"), "price", 12, Kind.MONEY),
        plain("old_price", _("Old price, ₸"), "old_price", 12, Kind.MONEY),
        plain("quantity", _("In stock"), "quantity", 10, Kind.NUMBER),
        flag("is_active", _("On sale"), "is_active", _("yes"), _("no")),
        plain("site_id", _("Id on the site"), "bitrix_product_id", 12, Kind.KEY),
        plain("parent_id", _("Main product's id on the site"), "bitrix_parent_id", 12, Kind.KEY),
        plain("picture", _("Picture's address on the site"), "image_url", 40),
        moment("changed", _("Changed on the site"), "bitrix_updated_at"),
        flag("attention", _("Needs a look"), "needs_attention", _("yes")),
    ),
    may_export("product"),
    finder("product", Product),
    file_name="tovary",
    page="admin:orders_product_changelist",
)
"""The products of their list."""
