"""The timeline entries of an order as strings for staff."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from orders.models import OrderEvent, OrderItem, Reason
from orders.presentation.timeline.labels import field_label
from orders.presentation.timeline.names import Names, look_up
from orders.presentation.timeline.registry import RENDERERS, UNKNOWN
from orders.presentation.timeline.values import value_text
from orders.timeline_payloads import FromSite, OfPhoto, Payload, payload_of


@dataclass(frozen=True, slots=True)
class Change:
    """A changed field, with its old and new value."""

    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A timeline entry as strings. No string is marked as safe."""

    title: str
    icon: str
    kind: str
    happened_at: datetime
    who: str
    source: str
    changes: Sequence[Change] = ()
    notes: Sequence[str] = ()
    webhook_event_id: UUID | None = None
    push_id: UUID | None = None
    photo_id: str = ""
    """The id of the photo that the entry is about. The photo may have been withdrawn since then."""


def timeline(
    events: Iterable[OrderEvent], *, items: Iterable[OrderItem] = (), hidden: Collection[str] = ()
) -> list[Entry]:
    """Return the presented entries for these rows, which need `select_related("actor")`.

    `items` are the present items of the order. They contain the names of most products, which saves a query. `hidden`
    contains the fields whose values this reader may not see (`orders.rules.visibility.hidden_fields`).
    """
    found = [(event, payload_of(event)) for event in events]
    names = look_up((pair for event, payload in found for pair in _values(event, payload)), items)
    names.hidden = frozenset(hidden)
    return [_entry(event, payload, names) for event, payload in found]


def _entry(event: OrderEvent, payload: Payload, names: Names) -> Entry:
    renderer = RENDERERS.get(event.kind, UNKNOWN)
    return Entry(
        title=renderer.title(payload) or str(event.get_kind_display()),
        icon=renderer.icon,
        kind=event.kind,
        happened_at=event.happened_at,
        who=event.who,
        source=str(event.get_source_display()),
        changes=[_change(change, names) for change in event.changes if change["field"] not in renderer.hides]
        if renderer.shows_changes
        else (),
        notes=[*_reasons(event, payload), *renderer.notes(payload, names)],
        webhook_event_id=event.webhook_event_id,
        push_id=event.push_id,
        photo_id=str(payload.photo or "") if isinstance(payload, OfPhoto) else "",
    )


def _change(change: dict[str, Any], names: Names) -> Change:
    name = change["field"]
    return Change(
        field_label(name), value_text(name, change.get("old"), names), value_text(name, change.get("new"), names)
    )


def _reasons(event: OrderEvent, payload: Payload) -> Iterator[str]:
    if event.reason != Reason.NONE:
        yield str(event.get_reason_display())
    occasion = payload.occasion if isinstance(payload, FromSite) else Reason.NONE
    if occasion not in (Reason.NONE, event.reason):
        yield str(occasion.label)


def _values(event: OrderEvent, payload: Payload) -> Iterator[tuple[str, Any]]:
    for change in event.changes:
        yield change["field"], change.get("old")
        yield change["field"], change.get("new")
    yield from payload.field_values()
