"""The products of the earlier CRM."""

from collections.abc import Sequence

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.adoption.rows import KEPT, Row
from cvety_crm.adoption.steps import Context, SiteIds, Step, Tally
from cvety_crm.bulk_writes import Writes
from orders.models import PictureSource, Product
from orders.models.product import NAME_LENGTH
from orders.services.adoption.site_ids import refuse_twins, site_id
from orders.services.adoption.times import set_times

_KEYS = ("bitrix_product_id", "bitrix_id")


class ProductStep(Step):
    """Store the products."""

    name = "products"
    table = "products"
    title = _("products")
    model = Product
    read = ("id", "name", "slug", "price", "old_price", "quantity", "is_active", "metadata", "created_at", "updated_at")

    def prepare(self, context: Context, tally: Tally) -> None:
        """Read which rows have the same id of the site."""
        self._ids = SiteIds(context.options.keeps_newest)
        for batch in context.batches(self.table):
            for row in batch:
                self._ids.add(site_id(row, _KEYS), row)
        refuse_twins(self._ids, tally)

    def convert(self, batch: Sequence[Row], context: Context, tally: Tally) -> None:
        """Store the products."""
        products = [self._product(row) for row in batch]
        tally.outcomes[gettext("product")] += len(products)
        tally.stored += len(products)
        if context.is_applied:
            writes = Writes(keeps_times=True)
            writes.insert(*products)
            writes.flush()

    def _product(self, row: Row) -> Product:
        key = site_id(row, _KEYS)
        picture = _picture(row)
        product = Product(
            id=row.id,
            name=row.text("name")[:NAME_LENGTH] or gettext("Product without a name"),
            slug=row.text("slug"),
            price=row.money("price"),
            old_price=row.money("old_price"),
            quantity=row.money("quantity", places=3),
            is_active=row.flag("is_active", default=True),
            bitrix_product_id=key if self._ids.keeps(key, row) else None,
            image_url=picture,
            picture_source=PictureSource.MINIATURE if picture else "",
            needs_attention=not row.text("name"),
        )
        times = set_times(product, row)
        names = ("name", "slug", "price", "old_price", "quantity", "is_active")
        kept = row.kept({name: getattr(product, name) for name in names} | {"id": row.id, **times})
        product.metadata = {KEPT: kept} if kept else {}
        return product


def _picture(row: Row) -> str:
    properties = row.document("metadata").get("properties")
    found = properties.get("ru_img_miniature") if isinstance(properties, dict) else None
    return found if isinstance(found, str) else ""
