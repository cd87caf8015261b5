"""Services that import orders from a copy of the site's database, with the changes that the site has logged."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Min, Q

from cvety_crm.bulk_writes import Writes
from orders.models import Order, OrderEvent, Source, Status
from orders.services.inbound.apply import apply_snapshots
from orders.services.inbound.batch import Arrived
from orders.services.inbound.origin import Origin
from orders.services.inbound.outcomes import Applied
from orders.services.locking import lock_creation
from orders.services.references import STUB_PREFIX
from orders.services.timeline import new_event
from orders.sync.personal_data import FIELDS as PERSONAL
from orders.sync.snapshot import HistoryEntry, HistoryRead, OrderSnapshot
from orders.timeline_payloads import SITE_CHANGE, FieldsChanged, SiteHistory, StatusChanged


def record_histories(
    orders: Sequence[tuple[OrderSnapshot, HistoryRead]], *, absent: Collection[int] = ()
) -> list[Applied]:
    """Import orders from a copy of the site's database, and return their results.

    No one is notified, and newer values in the CRM are not overwritten. `absent` are the ids on the site that
    `lock_absent_orders` has returned in this transaction. The number of statements does not depend on the orders.
    """
    return apply_snapshots(
        [
            Arrived(snapshot, Origin(source=Source.IMPORT, history=history), snapshot.bitrix_order_id in absent)
            for snapshot, history in orders
        ]
    )


def record_history_changes(histories: Sequence[tuple[Order, Sequence[HistoryEntry]]]) -> set[UUID]:
    """Write the changes that the site has logged to the timelines. Return the ids of the orders with new entries.

    The entries have the dates of the site. Each change is written once, and only if it is older than the first timeline
    entry that is not from an import: later changes are already on the timeline. This makes at most four queries for any
    number of orders.
    """
    with_entries = [(order, entries) for order, entries in histories if entries]
    if not with_entries:
        return set()
    keys = [order.pk for order, _ in with_entries]
    written = _written(keys)
    known_since = _known_since(keys)
    codes = _status_codes()
    rows = [
        _event(order, entry, codes)
        for order, entries in with_entries
        for entry in entries
        if (order.pk, entry.key) not in written
        and _is_before(entry, known_since.get(order.pk))
        and not (order.erased_at is not None and entry.field in PERSONAL)
    ]
    writes = Writes()
    writes.insert(*rows)
    writes.flush()
    return {row.order_id for row in rows}


def lock_absent_orders(snapshots: Iterable[OrderSnapshot]) -> set[int]:
    """Lock these orders or their creation. Return the ids on the site of the orders that do not exist in the CRM.

    This makes two queries for any number of orders. An import locks all orders before their customers and products. The
    processing of a webhook event uses the same sequence, so the two can't deadlock.
    """
    wanted = {snapshot.bitrix_order_id: snapshot.crm_order_id for snapshot in snapshots}
    lock_creation(wanted)
    created_here = {key for key in wanted.values() if key is not None}
    known = Order.objects.filter(Q(bitrix_order_id__in=wanted) | Q(pk__in=created_here))
    found = set(known.select_for_update(no_key=True).order_by("pk").values_list("bitrix_order_id", "pk"))
    ids, keys = {bitrix_id for bitrix_id, _ in found}, {key for _, key in found}
    return {bitrix_id for bitrix_id, key in wanted.items() if bitrix_id not in ids and key not in keys}


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
    is_erased = order.erased_at is not None
    who, comment = ("", "") if is_erased else (entry.who, entry.comment)
    return new_event(
        order=order,
        happened_at=entry.happened_at,
        payload=payload(site_change=entry.key, site_author=who, comment=comment),
        source=Source.IMPORT,
        changes=[{"field": entry.field, "old": ours(entry.old), "new": ours(entry.new)}],
    )
