"""What the bridge reports of an order's way to the site. The only place where `sync_state` is set by the bridge."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from orders.agreement import Agreement
from orders.events import OrderChange, publish
from orders.models import EventKind, Order, OrderEvent, Reason, Source, Status, SyncState
from orders.services.locking import lock_order, settle_sync_state, unsent_fields
from orders.services.references import resolve
from orders.services.timeline import write_event


@transaction.atomic
def note_sending(*, order_id: UUID, values: Mapping[str, Any]) -> None:
    """Remember values (comparable form) that are about to be sent: their echo may come before their answer."""
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    agreement.note_sending(values)
    order.bitrix_state = agreement.as_json()
    order.save(update_fields=["bitrix_state", "updated_at"])


@transaction.atomic
def record_created_on_site(
    *,
    order_id: UUID,
    bitrix_order_id: int,
    order_number: str,
    site_status: str,
    values: Mapping[str, Any],
    version: int | None,
    push_id: UUID,
) -> Order:
    """Note that the site has created the order, under this id and number, with these values.

    A webhook may have said so before; then nothing is left to note.
    """
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    if order.bitrix_order_id is None:
        order.bitrix_order_id = bitrix_order_id
        order.order_number = order_number[:20] or str(bitrix_order_id)
        agreement.settle({"order_number": order.order_number, **values})
        agreement.site_status = site_status
    _note_version(order, version)
    _save_after_answer(order, agreement)
    _write_sent(order, EventKind.SENT, push_id, {"created": bitrix_order_id}, values)
    return order


@transaction.atomic
def record_accepted(
    *, order_id: UUID, values: Mapping[str, Any], site_status: str | None, version: int | None, push_id: UUID
) -> Order:
    """Note that the site has taken over these values (comparable form)."""
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    if version is None or order.bitrix_version is None or version >= order.bitrix_version:
        agreement.settle(values)
        if site_status is not None:
            agreement.site_status = site_status
    # else: a webhook told of a newer state meanwhile, which is what both sides have by now.
    _note_version(order, version)
    if order.sync_state == SyncState.CONFLICT and "status" in values:
        order.sync_state = SyncState.PENDING
    _save_after_answer(order, agreement)
    _write_sent(order, EventKind.SENT, push_id, {}, values)
    return order


@transaction.atomic
def record_site_status(*, order_id: UUID, site_status: str, version: int | None, push_id: UUID) -> Order:
    """The site has another status than we believed and refused ours: take the site's, keep the manager's wish.

    A status that we sent ourselves, whose answer was lost, is no conflict: it is agreed on.
    """
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    references = resolve(status=site_status)
    code = references.status or order.status_id
    wish = order.status_id
    is_own_echo = code in agreement.sent.get("status", ()) or code == wish
    agreement.settle({"status": code})
    agreement.site_status = site_status
    _note_version(order, version)
    if is_own_echo:
        _save_after_answer(order, agreement)
        return order
    order.status = Status.objects.get(code=code)
    order.sync_state = SyncState.CONFLICT
    _save_after_answer(order, agreement)
    event = write_event(
        order=order,
        kind=EventKind.CONFLICT,
        source=Source.SITE,
        changes=[{"field": "status", "old": wish, "new": code}],
        reason=Reason.SITE_HAS_OTHER,
        details={"wish": {"status": wish}},
        push_id=push_id,
    )
    publish(OrderChange(order, event))
    return order


@transaction.atomic
def record_refused(*, order_id: UUID, push_id: UUID, reason: Reason, message: str) -> Order:
    """The site will not take the order's state, or could not be reached at all: a person has to look."""
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    agreement.sent.clear()
    order.bitrix_state = agreement.as_json()
    order.sync_state = SyncState.FAILED
    order.save(update_fields=["sync_state", "bitrix_state", "updated_at"])
    write_event(
        order=order,
        kind=EventKind.REFUSED,
        source=Source.SYSTEM,
        reason=reason,
        details={"message": message, "fields": unsent_fields(order, agreement)},
        push_id=push_id,
    )
    return order


@transaction.atomic
def record_waiting(*, order_id: UUID) -> None:
    """The order's push waits (again)."""
    Order.objects.filter(pk=order_id).exclude(sync_state=SyncState.PENDING).update(sync_state=SyncState.PENDING)


@transaction.atomic
def accept_site_state(*, order_id: UUID, actor: User | None, source: Source = Source.ADMIN) -> Order:
    """Let the site's decision stand: the manager no longer wants what he wished in a conflict.

    What else the site has yet to hear of is sent now. An order without a conflict is left alone.
    """
    order = lock_order(order_id)
    if order.sync_state != SyncState.CONFLICT:
        return order
    order.sync_state = SyncState.SYNCED
    # With its items: before a conflict nobody has said whether they are agreed on.
    settle_sync_state(order, Agreement.from_json(order.bitrix_state), list(order.items.all()))
    order.save(update_fields=["sync_state", "updated_at"])
    event = write_event(
        order=order, kind=EventKind.NOTED, source=source, actor=actor, details={"resolved": "site's state accepted"}
    )
    publish(OrderChange(order, event))
    return order


def _note_version(order: Order, version: int | None) -> None:
    if version is not None:
        order.bitrix_version = max(version, order.bitrix_version or 0)


def _save_after_answer(order: Order, agreement: Agreement) -> None:
    settle_sync_state(order, agreement)
    order.bitrix_state = agreement.as_json()
    order.save(
        update_fields=[
            "bitrix_order_id",
            "order_number",
            "status",
            "bitrix_state",
            "bitrix_version",
            "sync_state",
            "updated_at",
        ]
    )


def _write_sent(
    order: Order, kind: EventKind, push_id: UUID, details: dict[str, Any], values: Mapping[str, Any]
) -> OrderEvent:
    return write_event(
        order=order,
        kind=kind,
        source=Source.SYSTEM,
        details={**details, "values": dict(values)},
        push_id=push_id,
    )
