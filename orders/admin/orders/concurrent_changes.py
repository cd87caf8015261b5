"""What two people have changed of one order, for the note at the top of the form: nothing of either is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orders.admin.orders.lost_update_guard import BothChanged
from orders.models import Order, OrderEvent
from orders.sync.fields import ITEMS

LOOKED_AT = 50
"""Timeline entries among which the one is looked for that has changed a field."""


@dataclass(frozen=True, slots=True)
class Row:
    """One field, and who else has changed it and when, as far as the timeline knows."""

    change: BothChanged
    who_and_when: str


def both_changed(order: Order, context: Mapping[str, Any]) -> list[Row]:
    """Return what both have changed, from the forms of the page's context. One query, when there is something."""
    found: list[BothChanged] = list(getattr(context["adminform"].form, "both_changed", ()))
    for inline in context["inline_admin_formsets"]:
        if inline.formset.is_bound:
            found += getattr(inline.formset, "both_changed", ())
    if not found:
        return []
    events = list(order.events.exclude(changes=[]).select_related("actor")[:LOOKED_AT])
    return [Row(change, _who(change.name, events)) for change in found]


def _who(name: str, events: Sequence[OrderEvent]) -> str:
    name = ITEMS if name in ("quantity", "price") else name
    for event in events:
        if any(change["field"] == name for change in event.changes):
            return event.who_and_when
    return ""
