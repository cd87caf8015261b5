"""What the site says of an order that has no column or could not be read: kept in `metadata`, named on the timeline."""

import re
from collections.abc import Mapping
from typing import Any

from orders.models import Order, OrderEvent
from orders.snapshot import OrderSnapshot


def merged_metadata(ours: Mapping[str, Any], snapshot: OrderSnapshot) -> dict[str, Any]:
    """Return `metadata` with what the snapshot keeps, and without raw values of what could be read by now."""
    merged = dict(ours)
    for part, value in snapshot.metadata.items():
        both_are_objects = isinstance(value, Mapping) and isinstance(merged.get(part), Mapping)
        merged[part] = {**merged[part], **value} if both_are_objects else value
    for part, names in snapshot.readable.items():
        kept = merged.get(part)
        if isinstance(kept, Mapping):
            sent = snapshot.metadata.get(part, {})
            left = {key: value for key, value in kept.items() if key in sent or _name(key) not in names}
            merged[part] = left
            if not left:
                del merged[part]
    return merged


def _name(key: str) -> str:
    # A part of a field is kept as `basket[0].PRICE`, a second value of one as `PRICE#2`.
    return re.split(r"[\[#]", key, maxsplit=1)[0]


def new_problems(order: Order, snapshot: OrderSnapshot) -> list[dict[str, Any]]:
    """Return the snapshot's problems that the order's timeline does not name yet. No query when there are none."""
    problems = [problem.as_json() for problem in snapshot.problems]
    if not problems:
        return []
    entries = OrderEvent.objects.filter(order=order, details__has_key="problems")
    named = [problem for found in entries.values_list("details__problems", flat=True) for problem in found]
    return [problem for problem in problems if problem not in named]
