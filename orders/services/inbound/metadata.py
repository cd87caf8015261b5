"""What the site says of an order that has no column or could not be read: kept in `metadata`, named on the timeline."""

import re
from collections.abc import Mapping
from typing import Any

from orders.models import Order, OrderEvent
from orders.sync.snapshot import OrderSnapshot, Past


def merged_metadata(ours: Mapping[str, Any], snapshot: OrderSnapshot) -> dict[str, Any]:
    """Return `metadata` with what the snapshot keeps, and without raw values of what can be read now."""
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


def new_oddities(order: Order, snapshot: OrderSnapshot, past: Past | None = None) -> dict[str, Any]:
    """Return what was odd that the order's timeline does not name yet, as details of an entry.

    No query when nothing was.
    """
    odd = oddities(snapshot, past)
    if not odd:
        return {}
    entries = OrderEvent.objects.filter(order=order, details__has_any_keys=list(odd)).values_list("details", flat=True)
    named = {name: [one for details in entries for one in details.get(name, ())] for name in odd}
    new = {name: [one for one in found if one not in named[name]] for name, found in odd.items()}
    return {name: found for name, found in new.items() if found}


def oddities(snapshot: OrderSnapshot, past: Past | None = None) -> dict[str, Any]:
    """Return what was odd, as details of an entry: `problems` of the payload, `remarks` about a copy of the site."""
    problems = [problem.as_json() for problem in snapshot.problems]
    remarks = list(past.remarks) if past is not None else []
    return {name: found for name, found in (("problems", problems), ("remarks", remarks)) if found}
