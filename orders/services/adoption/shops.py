"""The sellers of the earlier CRM, which are the shops."""

from collections.abc import Sequence

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.adoption.rows import Row
from cvety_crm.adoption.steps import Context, SiteIds, Step, Tally
from orders.models import Shop
from orders.services.adoption.site_ids import refuse_twins, site_id
from orders.sync.agreement import Agreement

_KEYS = ("bitrix_shop_id", "bitrix_id", "bitrix_seller_id")


class ShopStep(Step):
    """Store the shops. A shop without an id of the site stays in the earlier table, because no order can name it."""

    name = "shops"
    table = "sellers"
    title = _("shops")
    model = Shop
    read = ("id", "name", "is_active", "metadata", "bitrix_id", "created_at")

    def prepare(self, context: Context, tally: Tally) -> None:
        """Read which rows have the same id of the site."""
        self._ids = SiteIds(context.options.keeps_newest)
        for batch in context.batches(self.table):
            for row in batch:
                self._ids.add(site_id(row, _KEYS), row)
        refuse_twins(self._ids, tally)

    def convert(self, batch: Sequence[Row], context: Context, tally: Tally) -> None:
        """Store the shops. `migrate` has created one of them, which gets the earlier name and id."""
        for row in batch:
            key = site_id(row, _KEYS)
            if key is None or not self._ids.keeps(key, row):
                tally.outcomes[gettext("stay in the earlier table: no own id on the site")] += 1
                continue
            tally.outcomes[gettext("shop")] += 1
            tally.stored += 1
            if not context.is_applied:
                continue
            name = row.text("name") or gettext("Shop %(id)s") % {"id": key}
            values = {
                "name": name,
                "is_active": row.flag("is_active", default=True),
                "bitrix_state": Agreement.on(name=name).as_json(),
                "created_at": row.moment("created_at"),
            }
            values = {column: value for column, value in values.items() if value is not None}
            if not Shop.objects.filter(bitrix_id=key).update(id=row.id, **values):
                Shop.objects.bulk_create([Shop(id=row.id, bitrix_id=key, **values)])
