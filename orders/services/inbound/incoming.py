"""The preparation of a snapshot for its merge into an existing order: with the keys of the CRM, in comparable form."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from orders.models import Order, OrderItem
from orders.services.references import References, ReferenceTable, SiteIds, known_status
from orders.sync.agreement import STATUS, Agreement
from orders.sync.fields import ITEMS, comparable, comparable_items, line_order
from orders.sync.freshness import Freshness, StatusVerdict, Verdict
from orders.sync.site_storage import AMOUNTS, SiteLimits
from orders.sync.snapshot import ItemSnapshot, OrderSnapshot


@dataclass(frozen=True, slots=True)
class Incoming:
    """The site's fields and items of an order, without a status that must not be applied."""

    fields: Mapping[str, Any]
    """The site's fields, with our value in place of a value of ours that the site has damaged. So are the items."""
    theirs: Mapping[str, Any]
    """`fields` and the items in comparable form."""
    items: tuple[ItemSnapshot, ...] | None
    existing: Sequence[OrderItem]
    """Our items. They are not queried if the snapshot has no items."""
    references: References
    site_status: str | None
    """The site's code of the status in `fields`."""
    status_verdict: Verdict
    """The verdict on the status of the snapshot."""


def read_incoming(
    order: Order,
    agreement: Agreement,
    snapshot: OrderSnapshot,
    freshness: Freshness,
    existing: Sequence[OrderItem],
    table: ReferenceTable,
    limits: Callable[[], SiteLimits],
) -> Incoming:
    """Return the values of the snapshot that may be merged. Create stubs of missing reference data and products.

    `existing` are the items of the order. They are not needed if the snapshot has no items. `limits` returns what the
    site can store.
    """
    fields = dict(snapshot.fields)
    if "recipient_phone" in fields:
        fields.setdefault("recipient_other_phones", "")
    # Bitrix has no order without items: an empty basket means that the sender did not load the basket.
    items = snapshot.items or None
    if freshness.status is StatusVerdict.DISCARD:
        fields.pop(STATUS, None)
    existing = [] if items is None else existing
    references = _references(order, agreement, snapshot, fields, existing, table)
    verdict = Verdict.APPLY
    if STATUS in fields:
        verdict = freshness.verdict_on_status(references.status, agreement)
    if not verdict.is_applied:
        del fields[STATUS]
    site_status = fields.get(STATUS)
    if site_status is not None:
        fields[STATUS] = references.status
    theirs = {name: comparable(value) for name, value in fields.items()}
    if items is not None:
        theirs[ITEMS] = comparable_items(items)
    kept = agreement.as_kept(theirs, limits)
    for name in [name for name in kept if name != ITEMS and kept[name] != theirs[name]]:
        fields[name] = Decimal(kept[name]) if name in AMOUNTS else kept[name]
    if items is not None and kept[ITEMS] != theirs[ITEMS]:
        items = _with_values(items, kept[ITEMS])
    theirs = kept
    return Incoming(fields, theirs, items, existing, references, site_status, verdict)


def _with_values(items: Sequence[ItemSnapshot], values: Sequence[Sequence[Any]]) -> tuple[ItemSnapshot, ...]:
    """Return the items with the names, quantities and prices of `values`, the same items in comparable form.

    Both are compared in their sorted order, in which an item of a product has the same place. The items keep their own
    order.
    """
    wanted = dict(zip(sorted(range(len(items)), key=lambda place: line_order(items[place])), values, strict=True))
    return tuple(_with_value(item, wanted[place]) for place, item in enumerate(items))


def _with_value(item: ItemSnapshot, value: Sequence[Any]) -> ItemSnapshot:
    what, quantity, price = value
    snapshot = item.product_snapshot if item.bitrix_product_id else {**item.product_snapshot, "name": what}
    return replace(
        item,
        product_snapshot=snapshot,
        quantity=item.quantity if "quantity" in item.unknown_values else Decimal(quantity),
        price=item.price if "price" in item.unknown_values else Decimal(price),
    )


def ids_of_creation(snapshot: OrderSnapshot) -> SiteIds:
    """Return the ids of everything to which a new order refers."""
    fields = snapshot.fields
    return SiteIds(
        status=fields.get("status"),
        city=fields.get("city"),
        shop=fields.get("shop"),
        slot=fields.get("delivery_slot"),
        pay_system=snapshot.pay_system,
        pay_system_name=snapshot.pay_system_name,
        items=snapshot.items or (),
    )


def ids_of_update(
    order: Order, agreement: Agreement, snapshot: OrderSnapshot, existing: Sequence[OrderItem]
) -> SiteIds:
    """Return the ids to which the order does not refer yet. Most updates have none."""
    fields, status = snapshot.fields, snapshot.fields.get(STATUS)
    products = {line.bitrix_product_id for line in existing if line.product_id}
    return SiteIds(
        status=None if status is None or known_status(status, agreement) else status,
        city=_unless(order.city_id, fields.get("city")),
        shop=_unless(order.shop_id, fields.get("shop")),
        slot=_unless(order.delivery_slot_id, fields.get("delivery_slot")),
        pay_system=_unless(order.pay_system_id, snapshot.pay_system),
        pay_system_name=snapshot.pay_system_name,
        items=[item for item in snapshot.items or () if item.bitrix_product_id not in products],
    )


def _references(
    order: Order,
    agreement: Agreement,
    snapshot: OrderSnapshot,
    fields: Mapping[str, Any],
    existing: Sequence[OrderItem],
    table: ReferenceTable,
) -> References:
    ids = ids_of_update(order, agreement, snapshot, existing)
    references = table.resolve(ids if STATUS in fields else replace(ids, status=None))
    references.products |= {
        line.bitrix_product_id: line.product_id for line in existing if line.bitrix_product_id and line.product_id
    }
    status = fields.get(STATUS)
    if status is not None and references.status is None:
        references.status = known_status(status, agreement)
    return references


def _unless(ours: Any, theirs: Any) -> Any:
    """Return `theirs`, or None if it equals `ours`."""
    return None if theirs == ours else theirs
