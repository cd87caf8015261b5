"""What is about people in an order, and functions that remove it, for a customer whose data was erased.

They use plain values and no database. What is kept says what was sold, when, and for how much.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from orders.sync.agreement import Agreement
from orders.sync.fields import ITEMS
from orders.sync.snapshot import ItemSnapshot, OrderSnapshot
from orders.values.phone_masking import without_phones

TEXTS = (
    "contact_name",
    "contact_phone",
    "contact_email",
    "recipient_name",
    "recipient_phone",
    "recipient_other_phones",
    "delivery_address",
    "postcard_text",
    "comment",
    "courier_comment",
)
"""The columns of an order with texts about people, which both sides have."""
FIELDS = frozenset({*TEXTS, "bitrix_user_id"})
_IN_CHANGES = FIELDS | {"customer", "details", "problem"}
"""The names in timeline entries of values about people."""
_VALUES = frozenset({"values", "desired", "theirs"})
_KEPT_DETAILS = _VALUES | {
    "addressee", "amount", "answer", "assignment", "channel", "courier", "created", "fields", "florist", "language",
    "link", "method", "occasion", "paper_format", "photo", "resolved", "site_change", "template", "template_id", "twin",
    "undo", "until",
}  # fmt: skip
"""The keys of `OrderEvent.details` that contain no text of or about the customer. A courier and a florist are staff."""
_KEPT_OF_PRODUCT = ("name", "currency", "original_price", "discount", "xml_id", "url", "picture")


def snapshot_without_people(snapshot: OrderSnapshot) -> OrderSnapshot:
    """Return what the site says of an order whose customer was erased, without everything about people."""
    items = None if snapshot.items is None else tuple(map(_item, snapshot.items))
    return replace(
        snapshot,
        fields={name: value for name, value in snapshot.fields.items() if name not in FIELDS},
        unread={name: "" for name in snapshot.unread if name not in FIELDS},
        places=(),
        customer=None,
        items=items,
        metadata={},
        readable={},
        problems=(),
    )


def forget_people(agreement: Agreement) -> None:
    """Remove the values about people from an agreement. Both sides then count as empty, so nothing is sent."""
    for values in (agreement.agreed, agreement.sent, agreement.refused, agreement.unconfirmed, agreement.damaged,
                   agreement.past_damaged):  # fmt: skip
        for name in _IN_CHANGES & values.keys():
            del values[name]
    if agreement.unanswered is not None:
        agreement.end_reading(agreement.unanswered.key)
    agreement.warnings = []
    if ITEMS in agreement.agreed:
        agreement.agreed[ITEMS] = [[_without_phones(what), *numbers] for what, *numbers in agreement.agreed[ITEMS]]


def changes_without_people(changes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the changes of a timeline entry that are not about people."""
    return [change for change in changes if change.get("field") not in _IN_CHANGES]


def details_without_people(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details of a timeline entry without texts, and without values about people."""
    kept = {key: value for key, value in details.items() if key in _KEPT_DETAILS}
    for key in _VALUES & kept.keys():
        kept[key] = {name: value for name, value in kept[key].items() if name not in _IN_CHANGES}
    return kept


def product_without_people(product: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item's copy of its product without the customer's requests."""
    kept = {key: product[key] for key in _KEPT_OF_PRODUCT if key in product}
    return {key: _without_phones(value) if key == "name" else value for key, value in kept.items()}


def _item(item: ItemSnapshot) -> ItemSnapshot:
    return replace(item, product_snapshot=product_without_people(item.product_snapshot))


def _without_phones(value: Any) -> Any:
    return without_phones(value) if isinstance(value, str) else value
