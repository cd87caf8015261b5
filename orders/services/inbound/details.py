"""The changes of an order's and its items' details on the site, for the timeline."""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any

from orders.models import Order, OrderItem
from orders.presentation.details import Detail, item_property_details, property_details
from orders.sync.fields import DETAILS
from orders.sync.snapshot import ItemSnapshot, OrderSnapshot

_CONTACTS = ("name", "fio", "phone", "email")
_MOST = 20
"""The maximum number of details in one timeline entry."""


def detail_changes(
    order: Order,
    metadata_before: Mapping[str, Any],
    items: Sequence[OrderItem],
    items_before: Sequence[ItemSnapshot],
    snapshot: OrderSnapshot,
) -> list[dict[str, Any]]:
    """Return the change of the field `DETAILS` for a timeline entry, or an empty list if no detail has changed.

    A value is a list of details: the item's name or an empty string, the code, the label and the value. `items` and
    `items_before` are the same items after and before the change. A new item has no earlier details. Properties that
    have a column, also if their values in `snapshot` are unreadable, and contacts of the customer are left out.
    """
    left_out = {problem.field.removeprefix("properties.") for problem in snapshot.problems}
    left_out |= {*_CONTACTS, *snapshot.readable.get("properties", ())}
    of_order = (pair for pair in _of_order(order, metadata_before) if _label(*pair[1:])[0] not in left_out)
    pairs = [*of_order, *_of_items(items, items_before)][:_MOST]
    if not pairs:
        return []
    return [
        {
            "field": DETAILS,
            "old": [[where, *_label(old, new), old.short if old else ""] for where, old, new in pairs],
            "new": [[where, *_label(old, new), new.short if new else ""] for where, old, new in pairs],
        }
    ]


_Pair = tuple[str, Detail | None, Detail | None]


def _label(old: Detail | None, new: Detail | None) -> tuple[str, str]:
    found = new or old
    assert found is not None
    return found.code, found.label


def _of_order(order: Order, before: Mapping[str, Any]) -> Iterator[_Pair]:
    if before.get("properties") == order.metadata.get("properties"):
        return
    earlier = copy(order)
    earlier.metadata = dict(before)
    yield from _different("", property_details(earlier), property_details(order))


def _of_items(items: Sequence[OrderItem], before: Sequence[ItemSnapshot]) -> Iterator[_Pair]:
    for item, line in zip(items, before, strict=True):
        if item.product_snapshot != line.product_snapshot:
            before_change, after_change = map(item_property_details, (line.product_snapshot, item.product_snapshot))
            yield from _different(item.name, before_change, after_change)


def _different(where: str, before: Sequence[Detail], after: Sequence[Detail]) -> Iterator[_Pair]:
    old, new = ({detail.code: detail for detail in details} for details in (before, after))
    for code in old | new:
        was, now = old.get(code), new.get(code)
        if (was and was.value) != (now and now.value):
            yield where, was, now
