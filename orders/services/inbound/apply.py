"""Taking over what the site says of an order: found or created, merged field by field, one timeline entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from orders.events import OrderChange, publish
from orders.models import Order, OrderEvent, OrderItem, Reason, Source, SyncState
from orders.services.inbound.customers import apply_customer
from orders.services.inbound.freshness import Age, age_of, has_older_status, has_received_status, is_newer, is_unproven
from orders.services.inbound.metadata import Oddities, merged_metadata, new_oddities, oddities
from orders.services.items import as_snapshot, rebind_lines, store_items
from orders.services.locking import lock_site_order, settle_sync_state
from orders.services.references import References, known_status, resolve
from orders.services.timeline import changes_between, write_event
from orders.services.totals import FEE, TOTAL, merged_total
from orders.sync.fields import FIELDS, ITEMS, Line, comparable, comparable_items, order_values
from orders.sync.snapshot import CustomerSnapshot, FreshRead, HistoryRead, OrderSnapshot
from orders.sync.three_way_merge import Agreement, Merge, merge
from orders.timeline_payloads import BothChanged, FieldsChanged, FromSite, Noted, OrderCreated, StatusChanged

CUSTOMER = "customer"
"""Whose order it was when the site last said so, among the agreed values; the site is never told."""
SITE_DECIDES = frozenset({"status"})
"""Fields in which the site's change beats ours; the manager's wish stays on the timeline."""


class Outcome(StrEnum):
    """What a snapshot did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    STALE = "stale"


class Doubt(StrEnum):
    """Why only the site can say whether something is news, when it is asked for the whole order."""

    STATUS = "status"
    """The status may be old news and was not taken."""
    CLOCKS = "clocks"
    """Versions and dates do not say which is newer: nothing was taken."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The order, and what the snapshot did to it."""

    order: Order
    outcome: Outcome
    doubt: Doubt | None = None
    is_first: bool = False
    """Until now nobody knew under which id the site has the order, or of the order at all."""
    ends_failure: bool = False
    """What could not be sent need not be sent any more: both sides agree by now."""


@dataclass(slots=True)
class _Origin:
    source: Source
    webhook_event_id: UUID | None
    push_id: UUID | None
    received_at: datetime | None = None
    actor: User | None = None
    reason: Reason = Reason.NONE
    fresh: FreshRead | None = None
    history: HistoryRead | None = None
    happened_at: datetime = field(default_factory=timezone.now)


@transaction.atomic(savepoint=False)
def apply_snapshot(
    *,
    snapshot: OrderSnapshot,
    source: Source = Source.SITE,
    webhook_event_id: UUID | None = None,
    push_id: UUID | None = None,
    received_at: datetime | None = None,
    actor: User | None = None,
    reason: Reason = Reason.NONE,
    fresh: FreshRead | None = None,
    history: HistoryRead | None = None,
    is_absent: bool = False,
) -> Applied:
    """Create or update the order that the snapshot describes.

    Old news changes nothing, unless it was asked for just now (`fresh`). Of a copy of the site (`history`) all is old
    news that can't be shown to be newer than what is known here. `received_at` is when an event that is read again came
    first, by our clock. `actor` and `reason` say on the timeline who or what has asked. `is_absent`: the caller knows
    that there is no such order. The number of queries does not depend on the number of items.
    """
    origin = _Origin(source, webhook_event_id, push_id, received_at, actor, reason, fresh, history)
    order = None if is_absent else lock_site_order(snapshot.bitrix_order_id, snapshot.crm_order_id)
    if order is None:
        return _create(snapshot, origin)
    agreement = Agreement.from_json(order.bitrix_state)
    is_present = fresh is not None and agreement.times_received == fresh.times_received
    age = Age.NEWS if is_present else age_of(order, snapshot)
    if age is Age.OLD or (history is not None and (age is Age.UNCLEAR or is_unproven(order, snapshot))):
        return Applied(order, Outcome.STALE)
    if snapshot.version is not None and received_at is not None and not _asks(agreement, origin):
        # What the site has said of the order since it came holds all that it tells.
        return Applied(order, Outcome.STALE)
    if age is Age.UNCLEAR:
        return Applied(order, Outcome.STALE, Doubt.CLOCKS if fresh is None and _asks(agreement, origin) else None)
    return _update(order, snapshot, origin)


def _create(snapshot: OrderSnapshot, origin: _Origin) -> Applied:
    fields = dict(snapshot.fields)
    # An event that lacks the status says nothing of it; every order of the site begins as N.
    site_status = fields.setdefault("status", "N")
    references = _resolve(fields, snapshot)
    fields["status"] = references.status
    items = snapshot.items or ()
    customer = apply_customer(snapshot=snapshot.customer)[0] if snapshot.customer else None

    agreement = Agreement(site_status=site_status)
    _note_received(agreement, snapshot, origin)
    agreement.settle({name: comparable(value) for name, value in fields.items()})
    if snapshot.items is not None:
        agreement.settle({ITEMS: comparable_items(items)})
    if snapshot.customer is not None:
        agreement.agreed[CUSTOMER] = _identity(snapshot.customer)

    order = Order(
        bitrix_order_id=snapshot.bitrix_order_id,
        customer=customer,
        source=origin.source,
        metadata=dict(snapshot.metadata),
        bitrix_state=agreement.as_json(),
        bitrix_version=snapshot.version,
        bitrix_updated_at=snapshot.updated_at,
        created_at=snapshot.created_at or origin.happened_at,
        completed_at=_settled_at(origin) if references.status_is_final else None,
        is_stub=snapshot.is_partial,
    )
    for name, value in fields.items():
        setattr(order, FIELDS[name].attribute, value)
    order.order_number = order.order_number or str(snapshot.bitrix_order_id)
    order.save(force_insert=True)
    store_items(order=order, existing=(), wanted=items, products=references.products)

    odd = oddities(snapshot, origin.history)
    payload = OrderCreated(problems=odd.problems, remarks=odd.remarks, occasion=origin.reason)
    event = _write(order, payload, origin, [])
    publish(OrderChange(order, event, is_new=True))
    return Applied(order, Outcome.CREATED, is_first=True)


def _update(order: Order, snapshot: OrderSnapshot, origin: _Origin) -> Applied:
    if not snapshot.items:
        # Bitrix has no order without lines: an empty basket comes from a sender who had none at hand.
        snapshot = replace(snapshot, items=None)
    agreement = Agreement.from_json(order.bitrix_state)
    was = (agreement.as_json(), order.sync_state, order.customer_id)
    is_first = order.bitrix_order_id is None
    is_known = origin.history is not None and not order.is_stub and not is_newer(order, snapshot)
    fields = dict(snapshot.fields)
    if origin.fresh is not None:
        agreement.answered_at = origin.fresh.read_at
    is_older = has_older_status(snapshot, agreement, origin.fresh)
    if is_older or (origin.history is not None and has_received_status(order, snapshot, agreement)):
        fields.pop("status", None)
    existing = [] if snapshot.items is None else list(order.items.all())
    references = _resolve(fields, snapshot, order=order, agreement=agreement, existing=existing)
    doubt = None
    if "status" in fields and _may_be_past(order, references.status, snapshot, agreement, origin):
        doubt = Doubt.STATUS if _asks(agreement, origin) else None
        if snapshot.is_partial:
            return Applied(order, Outcome.STALE, doubt)
        del fields["status"]
    site_status = fields.get("status")
    if site_status is not None:
        fields["status"] = references.status

    theirs = {name: comparable(value) for name, value in fields.items()}
    if snapshot.items is not None:
        theirs[ITEMS] = comparable_items(snapshot.items)
    if origin.fresh is None and agreement.is_twin(snapshot.version, theirs):
        return Applied(order, Outcome.STALE, Doubt.CLOCKS if _asks(agreement, origin) else None)
    if site_status is not None:
        agreement.site_status = site_status
    lines: Sequence[Line] | None = None if snapshot.items is None else existing
    ours_before = [as_snapshot(item) for item in existing]  # storing the site's changes the rows
    before = order_values(order, theirs, lines)
    merged = merge(agreement, ours=before, theirs=theirs, site_decides=SITE_DECIDES)
    changes = changes_between(before, {name: theirs[name] for name in merged.taken})

    for name in merged.taken:
        if name != ITEMS:
            setattr(order, FIELDS[name].attribute, fields[name])
    if snapshot.items is not None and (ITEMS in merged.taken or before[ITEMS] == theirs[ITEMS]):
        store_items(order=order, existing=existing, wanted=snapshot.items, products=references.products)
        lines = snapshot.items
    elif snapshot.items is not None:
        rebind_lines(existing, snapshot.items)
    columns = {FIELDS[name].attribute for name in merged.taken if name != ITEMS}
    if TOTAL in merged.kept and {ITEMS, FEE} <= theirs.keys():
        now = snapshot.items if ITEMS in merged.taken and snapshot.items else ours_before
        total = merged_total(before, ours_before, now, order.delivery_fee)
        if total is not None and total != order.total_amount:
            order.total_amount = total
            columns.add(TOTAL)
            merged = replace(merged, kept={name: value for name, value in merged.kept.items() if name != TOTAL})
            changes.append({"field": TOTAL, "old": before[TOTAL], "new": comparable(total)})
    if order.is_archived_on_site and origin.history is None:
        order.is_archived_on_site = False
        columns.add("is_archived_on_site")
        changes.append({"field": "is_archived_on_site", "old": True, "new": False})
    if "status" in merged.taken:
        order.status_held_until = None
        columns.add("status_held_until")
    columns |= _set_bookkeeping(order, snapshot, agreement, references, origin)
    customer_changed = _set_customer(order, snapshot, agreement, is_known=is_known)
    had_failed = order.sync_state == SyncState.FAILED
    if merged.yielded:
        order.sync_state = SyncState.CONFLICT
        for name in merged.yielded:
            agreement.sent.pop(name, None)  # the site has spoken after it
    elif order.sync_state == SyncState.CONFLICT and "status" in merged.taken:
        order.sync_state = SyncState.PENDING  # the site went on: what was wished then is no longer the question
    settle_sync_state(order, agreement, lines)
    order.bitrix_state = agreement.as_json()
    if columns or customer_changed or was != (order.bitrix_state, order.sync_state, order.customer_id):
        order.save(update_fields=[*columns, "customer", "bitrix_state", "sync_state", "updated_at"])

    odd = new_oddities(order, snapshot, origin.history)
    if changes or merged.kept or merged.yielded or odd:
        event = _write(order, _payload(merged, changes, odd, origin.reason), origin, changes, merged)
        publish(OrderChange(order, event))
    outcome = Outcome.UPDATED if changes or customer_changed else Outcome.UNCHANGED
    ends_failure = had_failed and order.sync_state == SyncState.SYNCED
    return Applied(order, outcome, doubt, is_first, ends_failure)


def _asks(agreement: Agreement, origin: _Origin) -> bool:
    """Return whether the site has yet to be asked for the order, as it has been since the event came."""
    return agreement.answered_at is None or agreement.answered_at < (origin.received_at or origin.happened_at)


def _may_be_past(
    order: Order, status: str | None, snapshot: OrderSnapshot, agreement: Agreement, origin: _Origin
) -> bool:
    """Return whether the status is one that ours have replaced, of which no version says when it was.

    The site's dates don't help: our own pushes are not among them, and its clock is not ours.
    """
    has_no_version = snapshot.version is None or order.bitrix_version is None
    return origin.fresh is None and has_no_version and agreement.is_past(status)


def _resolve(
    fields: Mapping[str, Any],
    snapshot: OrderSnapshot,
    *,
    order: Order | None = None,
    agreement: Agreement | None = None,
    existing: Sequence[OrderItem] = (),
) -> References:
    """Look up only what the order does not point at already: most updates then need no query."""
    city, shop, slot = fields.get("city"), fields.get("shop"), fields.get("delivery_slot")
    status = fields.get("status")
    agreed_status = None
    if order is not None and agreement is not None:
        city = None if city == order.city_id else city
        shop = None if shop == order.shop_id else shop
        slot = None if slot == order.delivery_slot_id else slot
        agreed_status = known_status(status, agreement) if status is not None else None
        status = None if agreed_status else status
    products = {
        line.bitrix_product_id: line.product_id for line in existing if line.bitrix_product_id and line.product_id
    }
    items = [item for item in snapshot.items or () if item.bitrix_product_id not in products]
    references = resolve(status=status, city=city, shop=shop, slot=slot, items=items)
    references.products |= products
    references.status = references.status or agreed_status
    return references


def _set_bookkeeping(
    order: Order, snapshot: OrderSnapshot, agreement: Agreement, references: References, origin: _Origin
) -> set[str]:
    """Set what is not merged but simply known now; return the columns."""
    columns = set()

    def put(column: str, value: Any) -> None:
        if getattr(order, column) != value:
            setattr(order, column, value)
            columns.add(column)

    put("bitrix_order_id", snapshot.bitrix_order_id)
    if snapshot.version is not None:
        put("bitrix_version", snapshot.version)
    if snapshot.updated_at is not None:
        put("bitrix_updated_at", snapshot.updated_at)
    _note_received(agreement, snapshot, origin)
    if not snapshot.is_partial:
        if order.is_stub and snapshot.created_at is not None:
            put("created_at", snapshot.created_at)
        put("is_stub", False)
    put("metadata", merged_metadata(order.metadata, snapshot))
    if order.completed_at is None and references.status_is_final:
        put("completed_at", _settled_at(origin))
    return columns


def _settled_at(origin: _Origin) -> datetime:
    return (origin.history.settled_at if origin.history is not None else None) or origin.happened_at


def _note_received(agreement: Agreement, snapshot: OrderSnapshot, origin: _Origin) -> None:
    if origin.history is None:
        agreement.times_received += 1
    if snapshot.is_partial:
        agreement.status_received_at = origin.happened_at
    else:
        if origin.history is None:
            agreement.answered, agreement.is_unclear = None, False
        if origin.history is None or snapshot.version != agreement.received_version:
            agreement.checksum = snapshot.checksum
        agreement.received_version = agreement.received_version if snapshot.version is None else snapshot.version
        agreement.received_updated_at = snapshot.updated_at or agreement.received_updated_at
    if snapshot.version is not None or snapshot.updated_at is not None:
        agreement.unversioned_at = None
    elif not snapshot.is_partial and origin.history is None:
        agreement.unversioned_at = origin.happened_at
    if snapshot.announced_at is None:
        return
    column = "status_announced_at" if snapshot.is_partial else "announced_at"
    setattr(agreement, column, max(snapshot.announced_at, getattr(agreement, column) or snapshot.announced_at))


def _set_customer(order: Order, snapshot: OrderSnapshot, agreement: Agreement, *, is_known: bool) -> bool:
    """Take over what the site says of the customer, and whose order it is; return whether anything changed.

    Staff may have chosen somebody else, or entered the caller themselves: that stays until the site changes its mind.
    What was typed into an order that is known already (`is_known`) was news when it came: since then the same caller
    may have given another name with a later one.
    """
    if snapshot.customer is None:
        return False
    is_typed = snapshot.customer.contacts_only or snapshot.customer.bitrix_user_id is None
    if is_known and is_typed and order.customer_id is not None:
        return False
    customer, is_changed = apply_customer(snapshot=snapshot.customer, current=order.customer)
    known, told = agreement.agreed.get(CUSTOMER), _identity(snapshot.customer)
    agreement.agreed[CUSTOMER] = told or known
    if order.customer_id is not None and (known is None or told in (None, known)):
        return is_changed
    is_other = customer is not None and customer.pk != order.customer_id
    order.customer = customer
    return is_changed or is_other


def _identity(customer: CustomerSnapshot) -> str | None:
    """Return what tells the site's customer from others: the account, or the phone of a caller without one."""
    phone = customer.fields.get("phone")
    if customer.bitrix_user_id is None or (customer.contacts_only and phone):
        return phone or None
    return str(customer.bitrix_user_id)


def _payload(merged: Merge, changes: Sequence[dict[str, Any]], odd: Oddities, occasion: Reason) -> FromSite:
    if merged.kept or merged.yielded:
        return BothChanged(
            problems=odd.problems,
            remarks=odd.remarks,
            occasion=occasion,
            desired=merged.yielded,
            site_values=merged.kept,
        )
    payload = StatusChanged if "status" in merged.taken else FieldsChanged if changes else Noted
    return payload(problems=odd.problems, remarks=odd.remarks, occasion=occasion)


def _write(
    order: Order,
    payload: FromSite,
    origin: _Origin,
    changes: list[dict[str, Any]],
    merged: Merge | None = None,
) -> OrderEvent:
    reason = Reason.UNREADABLE if payload.problems else Reason.NONE
    if order.is_stub:
        reason = Reason.STUB
    if merged and merged.kept:
        reason = Reason.OURS_STAYS
    if merged and merged.yielded:
        reason = Reason.SITE_DECIDES
    is_imported_creation = origin.history is not None and isinstance(payload, OrderCreated)
    return write_event(
        order=order,
        payload=payload,
        source=origin.source,
        actor=origin.actor,
        changes=changes,
        # A rule that has decided is named first; why the order was read is the payload's occasion.
        reason=reason or origin.reason,
        happened_at=order.created_at if is_imported_creation else None,
        webhook_event_id=origin.webhook_event_id,
        push_id=origin.push_id,
    )
