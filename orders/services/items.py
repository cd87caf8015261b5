"""Functions that store the items of an order. The number of SQL statements does not depend on the number of items."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from cvety_crm.bulk_writes import Writes
from orders.models import Order, OrderItem, Product
from orders.rules.discounts import LINE_MONEY, LIST_PRICE, line_total
from orders.sync.fields import comparable_line, comparable_price
from orders.sync.snapshot import ItemSnapshot

_DETAILS = ("properties", "notes", "fields", "picture")
"""The keys in a product snapshot for the item's details, such as the size of a bouquet. The site may change them."""
_COLUMNS = (
    "product",
    "bitrix_product_id",
    "bitrix_basket_id",
    "position",
    "quantity",
    "price",
    "total",
    "product_snapshot",
    "unknown_values",
    "updated_at",
)


def as_snapshot(item: OrderItem) -> ItemSnapshot:
    """Return the snapshot of a stored item, for `store_items`."""
    return ItemSnapshot(
        bitrix_basket_id=item.bitrix_basket_id,
        bitrix_product_id=item.bitrix_product_id,
        quantity=item.quantity,
        price=item.price,
        product_snapshot=item.product_snapshot,
        unknown_values=item.unknown_values,
    )


def new_line(product: Product | None, name: str, quantity: Decimal, price: Decimal | None) -> ItemSnapshot:
    """Return an item of an order made by staff.

    Without a price, the item has the price of the product. A price below the price of the product counts as a discount.
    """
    catalogue = product.price if product is not None else None
    price = price if price is not None else catalogue or Decimal(0)
    snapshot = {"name": name, "currency": "KZT"}
    if catalogue is not None and catalogue > price:
        snapshot[LIST_PRICE] = comparable_price(Decimal(catalogue))
    return ItemSnapshot(
        bitrix_basket_id=None,
        bitrix_product_id=product.bitrix_product_id if product is not None else None,
        quantity=quantity,
        price=price,
        product_snapshot=snapshot,
    )


def store_items(
    *,
    order: Order,
    existing: Sequence[OrderItem],
    wanted: Sequence[ItemSnapshot],
    products: Mapping[int, UUID],
    writes: Writes,
) -> list[OrderItem]:
    """Replace the items of the order by the wanted items, and return them. What has changed is added to `writes`.

    A wanted item updates the existing item with the same id on the site, or else the existing item with the same
    product, quantity and price. So an item created in the CRM gets its id on the site. As long as the product is the
    same, only the list price, the discount and the details in the product snapshot are updated.
    """
    by_basket = {item.bitrix_basket_id: item for item in existing if item.bitrix_basket_id is not None}
    by_content: dict[str, list[OrderItem]] = defaultdict(list)
    for item in existing:
        by_content[str(comparable_line(item))].append(item)

    left = {item.pk for item in existing}
    rows: list[OrderItem] = []
    for position, line in enumerate(wanted):
        row = by_basket.get(line.bitrix_basket_id) if line.bitrix_basket_id is not None else None
        if row is None or row.pk not in left:
            row = next((item for item in by_content[str(comparable_line(line))] if item.pk in left), None)
        if row is None:
            row = OrderItem(order=order, product_snapshot=dict(line.product_snapshot))
        left.discard(row.pk)
        before = _content(row)
        # A different product needs a new product snapshot. An item without a product is identified by its name.
        if comparable_line(row)[0] != comparable_line(line)[0]:
            row.product_snapshot = dict(line.product_snapshot)
        else:
            row.product_snapshot = _updated(row.product_snapshot, line.product_snapshot)
        row.product_id = products.get(line.bitrix_product_id) if line.bitrix_product_id else None
        row.bitrix_product_id = line.bitrix_product_id
        row.bitrix_basket_id = line.bitrix_basket_id
        row.position, row.quantity, row.price = position, line.quantity, line.price
        row.total = line_total(line.quantity, line.price)
        row.unknown_values = dict(line.unknown_values)
        rows.append(row)
        if row._state.adding:
            writes.insert(row)
        elif _content(row) != before:
            writes.update(row, _COLUMNS)
    writes.delete(OrderItem, left)
    return rows


def rebind_lines(ours: Sequence[OrderItem], theirs: Sequence[ItemSnapshot], writes: Writes) -> None:
    """Set the ids of the site's present items on our items.

    The contents of our items are not changed. The site refuses a change of an item that it no longer has.
    """
    kept = {item.bitrix_basket_id for item in ours}
    present = {line.bitrix_basket_id for line in theirs}
    free = [line for line in theirs if line.bitrix_basket_id not in kept]
    rebound = [item for item in ours if item.bitrix_basket_id is not None and item.bitrix_basket_id not in present]
    for item in rebound:
        alike = next((line for line in free if line.bitrix_product_id == item.bitrix_product_id), None)
        item.bitrix_basket_id = alike.bitrix_basket_id if alike is not None else None
        if alike is not None:
            free.remove(alike)
        writes.update(item, ["bitrix_basket_id", "updated_at"])


def _updated(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return our product snapshot with the details of the site's snapshot, if that has any.

    Also use its list price and discount, if it has a list price.
    """
    source = theirs if LIST_PRICE in theirs else ours
    rest = {key: value for key, value in ours.items() if key not in LINE_MONEY}
    details = {key: theirs[key] for key in _DETAILS if key in theirs}
    if isinstance(details.get("fields"), Mapping) and isinstance(ours.get("fields"), Mapping):
        details["fields"] = {**ours["fields"], **details["fields"]}
    return rest | {key: source[key] for key in LINE_MONEY if key in source} | details


def _content(row: OrderItem) -> tuple[object, ...]:
    return (
        row.product_id,
        row.bitrix_product_id,
        row.name,
        *(row.product_snapshot.get(key) for key in (*LINE_MONEY, *_DETAILS)),
        row.bitrix_basket_id,
        row.position,
        row.quantity,
        row.price,
        row.total,
        row.unknown_values,
    )
