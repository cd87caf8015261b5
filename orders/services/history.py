"""What happened before the CRM was there: orders from a copy of the site, and the entries of their history."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Min

from orders.models import EventKind, Order, OrderEvent, Source, Status
from orders.services.references import STUB_PREFIX
from orders.services.snapshots import Applied, apply_snapshot
from orders.snapshot import HistoryEntry, OrderSnapshot, Past

_KINDS = {"status": EventKind.STATUS}
CHANGE = "site_change"
"""Where an entry keeps the site's id of what it tells."""


def record_history(*, snapshot: OrderSnapshot, past: Past) -> Applied:
    """Take over an order from a copy of the site. Nobody is told of it, and what is newer here stays."""
    return apply_snapshot(snapshot=snapshot, source=Source.IMPORT, past=past)


def record_past_changes(histories: Sequence[tuple[Order, Sequence[HistoryEntry]]]) -> set[UUID]:
    """Write what the site remembers of these orders onto their timelines, with its dates; return which got entries.

    Each entry is written once, and only if it is from before the CRM knew the order: what it has seen happen itself is
    on the timeline. Three queries, however many orders.
    """
    told = [(order, entries) for order, entries in histories if entries]
    if not told:
        return set()
    keys = [order.pk for order, _ in told]
    written = _written(keys)
    known_since = _known_since(keys)
    codes = _status_codes()
    rows = [
        _event(order, entry, codes)
        for order, entries in told
        for entry in entries
        if (order.pk, entry.key) not in written and _is_before(entry, known_since.get(order.pk))
    ]
    OrderEvent.objects.bulk_create(rows)
    return {row.order_id for row in rows}


def lock_for_history(bitrix_order_ids: Iterable[int]) -> None:
    """Hold the right to create these orders until the end of the transaction, in one query and a fixed order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('order ' || id, 0)) FROM unnest(%s::bigint[]) AS id",
            [sorted(bitrix_order_ids)],
        )


def _written(keys: list[UUID]) -> set[tuple[UUID, str]]:
    entries = OrderEvent.objects.filter(order__in=keys, source=Source.IMPORT, details__has_key=CHANGE)
    return {(order, str(details[CHANGE])) for order, details in entries.values_list("order_id", "details")}


def _known_since(keys: list[UUID]) -> dict[UUID, datetime]:
    seen = OrderEvent.objects.filter(order__in=keys).exclude(source=Source.IMPORT)
    return dict(seen.values_list("order_id").annotate(first=Min("happened_at")).order_by())


def _is_before(entry: HistoryEntry, known_since: datetime | None) -> bool:
    return known_since is None or entry.happened_at < known_since


def _status_codes() -> dict[str, str]:
    return {code: row.code for row in Status.objects.only("code", "bitrix_codes") for code in row.bitrix_codes}


def _event(order: Order, entry: HistoryEntry, codes: Mapping[str, str]) -> OrderEvent:
    def ours(value: Any) -> Any:
        return codes.get(value, f"{STUB_PREFIX}{value}") if entry.field == "status" and value else value

    details = {CHANGE: entry.key, "who": entry.who, "comment": entry.comment}
    return OrderEvent(
        order=order,
        happened_at=entry.happened_at,
        kind=_KINDS.get(entry.field, EventKind.CHANGED),
        source=Source.IMPORT,
        changes=[{"field": entry.field, "old": ours(entry.old), "new": ours(entry.new)}],
        details={name: value for name, value in details.items() if value},
    )
