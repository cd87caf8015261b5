"""The fields of an order that two users have changed, for the notice at the top of the form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orders.admin.orders.lost_update_guard import BothChanged
from orders.models import Order, OrderEvent
from orders.sync.fields import ITEMS

ENTRIES_SEARCHED = 50
"""The number of latest timeline entries that are searched for the author of a change."""


@dataclass(frozen=True, slots=True)
class Row:
    """One field that two users have changed.

    `who_and_when` is the other user and the time of that user's change. It is empty if no timeline entry is found.
    """

    change: BothChanged
    who_and_when: str


def both_changed(order: Order, context: Mapping[str, Any]) -> list[Row]:
    """Return the fields that two users have changed, from the forms in the page's context. Make at most one query."""
    found: list[BothChanged] = list(getattr(context["adminform"].form, "both_changed", ()))
    for inline in context["inline_admin_formsets"]:
        if inline.formset.is_bound:
            found += getattr(inline.formset, "both_changed", ())
    if not found:
        return []
    events = list(order.events.exclude(changes=[]).select_related("actor")[:ENTRIES_SEARCHED])
    return [Row(change, _who(change.name, events)) for change in found]


def _who(name: str, events: Sequence[OrderEvent]) -> str:
    name = ITEMS if name in ("quantity", "price") else name
    for event in events:
        if any(change["field"] == name for change in event.changes):
            return event.who_and_when
    return ""
