"""The items of the orders of the earlier CRM."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.adoption.rows import KEPT, Row
from cvety_crm.adoption.steps import Context, Step, Tally
from cvety_crm.bulk_writes import Writes
from orders.models import Order, OrderItem, Product
from orders.services.adoption.site_ids import site_id
from orders.services.adoption.times import set_times
from orders.services.unknown import mark_unknown_items
from orders.sync.agreement import Agreement
from orders.sync.fields import ITEMS, comparable_items

_SNAPSHOT_KEYS = {"currency": "currency", "xml_id": "xml_id", "ru_img_miniature": "picture", "picture": "picture"}
"""The keys of the earlier snapshot that mean the same as ours."""
MOST = Decimal(10) ** 12
"""The smallest number that the column of totals can't contain."""
_SIZES = {"quantity": (10, 3), "price": (14, 4)}


class ItemStep(Step):
    """Store the items, and agree with the site on those of each order."""

    name = "items"
    table = "order_items"
    title = _("items")
    model = OrderItem
    read = ("id", "order_id", "product_id", "product_name", "quantity", "price", "total", "product_snapshot",
            "created_at", "updated_at")  # fmt: skip
    order_by = ("order_id", "created_at", "id")

    def prepare(self, context: Context, tally: Tally) -> None:
        """Read which orders and products exist."""
        self._orders = context.distinct("orders", "id")
        self._products = context.distinct("products", "id")
        self._by_site: Mapping[int, UUID] = {}
        if context.is_applied:
            rows = Product.objects.exclude(bitrix_product_id=None).values_list("bitrix_product_id", "pk")
            self._by_site = {key: pk for key, pk in rows if key is not None}
        self._waiting: list[Row] = []

    def convert(self, batch: Sequence[Row], context: Context, tally: Tally) -> None:
        """Store the items of complete orders. Those of the last order may continue in the next batch."""
        with_order = [row for row in batch if row.text("order_id") in self._orders]
        tally.outcomes[gettext("item")] += len(with_order)
        tally.stored += len(with_order)
        if lost := len(batch) - len(with_order):
            tally.outcomes[gettext("stay in the earlier table: there is no such order")] += lost
        if not context.is_applied:
            return
        rows = [*self._waiting, *with_order]
        last = rows[-1].text("order_id") if rows else ""
        self._waiting = [row for row in rows if row.text("order_id") == last]
        self._store([row for row in rows if row.text("order_id") != last])

    def finish(self, context: Context, tally: Tally) -> None:
        """Store the items of the last order, and agree that orders without items have none."""
        self._store(self._waiting)

    def _store(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        orders = Order.objects.in_bulk({row.uuid("order_id") for row in rows})
        writes = Writes(keeps_times=True)
        for key, group in groupby(rows, lambda row: row.uuid("order_id")):
            order = orders[key]
            items = self._items(order, list(group))
            writes.insert(*items)
            mark_unknown_items(order, items)
            if order.bitrix_order_id is not None:
                agreement = Agreement.from_json(order.bitrix_state)
                agreement.settle({ITEMS: comparable_items(items)})
                order.bitrix_state = agreement.as_json()
            writes.update(order, ["bitrix_state", "unknown_values"])
        writes.flush()

    def _items(self, order: Order, rows: Sequence[Row]) -> list[OrderItem]:
        baskets: set[int] = set()
        items = []
        for position, row in enumerate(rows):
            item = self._item(order, row, position)
            if item.bitrix_basket_id is not None:
                if item.bitrix_basket_id in baskets:
                    item.bitrix_basket_id = None  # two rows of one line of the site; the snapshot keeps the id
                else:
                    baskets.add(item.bitrix_basket_id)
            items.append(item)
        return items

    def _item(self, order: Order, row: Row, position: int) -> OrderItem:
        snapshot = row.document("product_snapshot")
        site_product = site_id(row, ("bitrix_product_id",), document="product_snapshot")
        numbers = {name: row.money(name, digits=size[0], places=size[1]) for name, size in _SIZES.items()}
        total = row.money("total", digits=14)
        values: dict[str, Any] = {name: number or Decimal(0) for name, number in numbers.items()}
        if total is None:
            product = (values["quantity"] * values["price"]).quantize(Decimal("0.01"))
            total = product if abs(product) < MOST else Decimal(0)
        item = OrderItem(
            id=row.id,
            order=order,
            product_id=self._product(row, site_product),
            bitrix_product_id=site_product,
            bitrix_basket_id=site_id(row, ("bitrix_basket_id",), document="product_snapshot"),
            position=position,
            total=total,
            unknown_values={name: row.text(name) for name, number in numbers.items() if number is None},
            **values,
        )
        times = set_times(item, row)
        columns = {name: getattr(item, name) for name in ("id", "total")} | numbers | times
        known = {ours: str(snapshot[theirs]) for theirs, ours in _SNAPSHOT_KEYS.items() if snapshot.get(theirs)}
        name = row.text("product_name") or str(snapshot.get("name") or "")
        kept = row.kept(columns | {"order_id": order.pk, "product_id": item.product_id, "product_name": name})
        item.product_snapshot = known | ({"name": name} if name else {}) | ({KEPT: kept} if kept else {})
        return item

    def _product(self, row: Row, site_product: int | None) -> UUID | None:
        if row.text("product_id") in self._products:
            return row.uuid("product_id")
        return self._by_site.get(site_product) if site_product is not None else None
