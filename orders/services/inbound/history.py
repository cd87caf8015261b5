"""The history: orders from a copy of the site, and their changes that the site remembers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Min, Q

from orders.models import Order, OrderEvent, Source, Status
from orders.services.inbound.apply import apply_snapshot
from orders.services.inbound.outcomes import Applied
from orders.services.locking import lock_creation
from orders.services.references import STUB_PREFIX
from orders.services.timeline import new_event
from orders.sync.snapshot import HistoryEntry, HistoryRead, OrderSnapshot
from orders.timeline_payloads import SITE_CHANGE, FieldsChanged, SiteHistory, StatusChanged


def record_history(*, snapshot: OrderSnapshot, history: HistoryRead, is_absent: bool = False) -> Applied:
    """Import an order from a copy of the site. No one is notified of it, and what is newer here stays.

    `is_absent`: this transaction has found out by `lock_absent_orders` that there is no such order.
    """
    return apply_snapshot(snapshot=snapshot, source=Source.IMPORT, history=history, is_absent=is_absent)


def record_history_changes(histories: Sequence[tuple[Order, Sequence[HistoryEntry]]]) -> set[UUID]:
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


def lock_absent_orders(snapshots: Iterable[OrderSnapshot]) -> set[int]:
    """Return which of these orders of the site are not here, and hold the right to create them. The others are locked.

    Two queries, however many orders. All orders first and their customers and products after them, as a webhook does
    it: who takes the one while he holds the other waits for somebody who waits for him.
    """
    wanted = {snapshot.bitrix_order_id: snapshot.crm_order_id for snapshot in snapshots}
    lock_creation(wanted)
    born_here = {key for key in wanted.values() if key is not None}
    known = Order.objects.filter(Q(bitrix_order_id__in=wanted) | Q(pk__in=born_here))
    found = set(known.select_for_update().order_by("pk").values_list("bitrix_order_id", "pk"))
    ids, keys = {bitrix_id for bitrix_id, _ in found}, {key for _, key in found}
    return {key for key, born in wanted.items() if key not in ids and born not in keys}


def _written(keys: list[UUID]) -> set[tuple[UUID, str]]:
    entries = OrderEvent.objects.filter(order__in=keys, source=Source.IMPORT, details__has_key=SITE_CHANGE)
    stored = entries.values_list("order_id", "details")
    return {(order, SiteHistory.from_json(details).site_change) for order, details in stored}


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

    payload = StatusChanged if entry.field == "status" else FieldsChanged
    return new_event(
        order=order,
        happened_at=entry.happened_at,
        payload=payload(site_change=entry.key, site_author=entry.who, comment=entry.comment),
        source=Source.IMPORT,
        changes=[{"field": entry.field, "old": ours(entry.old), "new": ours(entry.new)}],
    )
