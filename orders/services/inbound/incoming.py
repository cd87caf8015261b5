"""The preparation of a snapshot for its merge into an existing order: with the keys of the CRM, in comparable form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orders.models import Order, OrderItem
from orders.services.references import References, known_status, resolve
from orders.services.site_limits import current_limits
from orders.sync.fields import ITEMS, comparable, comparable_items
from orders.sync.freshness import Freshness, StatusVerdict, Verdict
from orders.sync.snapshot import ItemSnapshot, OrderSnapshot
from orders.sync.three_way_merge import STATUS, Agreement


@dataclass(frozen=True, slots=True)
class Incoming:
    """The site's fields and items of an order, without a status that must not be applied."""

    fields: Mapping[str, Any]
    theirs: Mapping[str, Any]
    """`fields` and the items in comparable form, with our value in place of a value of ours that the site has damaged.
    """
    items: tuple[ItemSnapshot, ...] | None
    existing: Sequence[OrderItem]
    """Our items. They are not queried if the snapshot has no items."""
    references: References
    site_status: str | None
    """The site's code of the status in `fields`."""
    status_verdict: Verdict
    """The verdict on the status of the snapshot."""


def read_incoming(order: Order, agreement: Agreement, snapshot: OrderSnapshot, freshness: Freshness) -> Incoming:
    """Return the values of the snapshot that may be merged. Create stubs of missing reference data and products."""
    fields = dict(snapshot.fields)
    if "recipient_phone" in fields:
        fields.setdefault("recipient_other_phones", "")
    # Bitrix has no order without items: an empty basket means that the sender did not load the basket.
    items = snapshot.items or None
    if freshness.status is StatusVerdict.DISCARD:
        fields.pop(STATUS, None)
    existing = [] if items is None else list(order.items.all())
    references = _references(order, agreement, snapshot, fields, items, existing)
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
    theirs = agreement.as_kept(theirs, current_limits)
    return Incoming(fields, theirs, items, existing, references, site_status, verdict)


def _references(
    order: Order,
    agreement: Agreement,
    snapshot: OrderSnapshot,
    fields: Mapping[str, Any],
    items: Sequence[ItemSnapshot] | None,
    existing: Sequence[OrderItem],
) -> References:
    """Resolve only ids to which the order does not refer yet. So most updates need no query."""
    site_status = fields.get(STATUS)
    agreed_status = known_status(site_status, agreement) if site_status is not None else None
    products = {
        line.bitrix_product_id: line.product_id for line in existing if line.bitrix_product_id and line.product_id
    }
    references = resolve(
        status=None if agreed_status else site_status,
        city=_unless(order.city_id, fields.get("city")),
        shop=_unless(order.shop_id, fields.get("shop")),
        slot=_unless(order.delivery_slot_id, fields.get("delivery_slot")),
        pay_system=_unless(order.pay_system_id, snapshot.pay_system),
        pay_system_name=snapshot.pay_system_name,
        items=[item for item in items or () if item.bitrix_product_id not in products],
    )
    references.products |= products
    references.status = references.status or agreed_status
    return references


def _unless(ours: Any, theirs: Any) -> Any:
    """Return `theirs`, or None if it equals `ours`."""
    return None if theirs == ours else theirs
