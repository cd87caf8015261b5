"""Services with which the bridge records the results of pushes. It sets `sync_state` only with these services."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.bulk_writes import Writes
from cvety_crm.users import User
from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError
from orders.models import REPORTED_BY_SITE, Order, Reason, Source, Status, SyncState
from orders.rules.hold import release_time
from orders.services.locking import lock_order, lock_site_order, settle_sync_state, unsent_fields
from orders.services.making_facts import follow_status
from orders.services.outbound.site_response import record_response, write_response
from orders.services.references import SiteIds, resolve
from orders.services.route_position import clear_position
from orders.services.site_limits import current_limits, write_damaged
from orders.services.timeline import write_event
from orders.sync.agreement import Agreement, Request
from orders.sync.fields import FIELDS, ITEMS, MAKING_FACTS, as_sent, order_values, set_comparable
from orders.sync.site_response import SILENCE, FieldRefusal, SiteResponse
from orders.sync.site_storage import Damaged
from orders.timeline_payloads import BothChanged, FieldsChanged, Noted, RefusedBySite, SentToSite


@transaction.atomic
def note_sending(*, order_id: UUID, values: Mapping[str, Any], instead: Mapping[str, Any] | None = None) -> bool:
    """Record values (comparable form) that are about to be sent. Their echo may arrive before the response.

    `instead` contains the values that are sent in place of some of these values. Record nothing and return False if the
    order has different values now or its status can still be undone. In that case the caller must read the order again.
    A recorded status can no longer be undone.
    """
    order = lock_order(order_id)
    instead = instead or {}
    if not _release_values(order, {name: value for name, value in values.items() if name not in instead}):
        return False
    agreement = Agreement.from_json(order.bitrix_state)
    agreement.note_sending({**values, **instead})
    _save_agreement(order, agreement)
    return True


def _release_values(order: Order, own: Mapping[str, Any]) -> bool:
    """Return whether these values may be sent. If they may and they include the status, end its hold period."""
    is_held = "status" in own and release_time(order.status_held_until) is not None
    if is_held or order_values(order, own) != dict(own):
        return False
    if "status" in own:
        order.status_held_until = None
    return True


@transaction.atomic
def start_request(*, order_id: UUID, values: Mapping[str, Any]) -> Request | None:
    """Record the values (comparable form) of a request that may be repeated. Return the request, with its key.

    If the unanswered request has the same values, return it again. Return None if the order has different values now or
    its status can still be undone.
    """
    order = lock_order(order_id)
    if not _release_values(order, values):
        return None
    agreement = Agreement.from_json(order.bitrix_state)
    request = agreement.start_request(values)
    _save_agreement(order, agreement)
    return request


@transaction.atomic
def end_request(*, order_id: UUID) -> None:
    """Forget the unanswered request after the site has refused it. It must not be repeated with the same key."""
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    agreement.unanswered = None
    _save_agreement(order, agreement)


@transaction.atomic
def record_late_response(*, order_id: UUID, key: str, response: SiteResponse | None, push_id: UUID) -> Order:
    """Record the warnings in the response to an earlier request whose response was lost.

    The fields are not changed: the site has reported them since, or they are sent again. `response` is None if the
    request never arrived. A response without warnings may be that to the first attempt to read it.
    """
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    agreement.end_reading(key)
    warned = SILENCE if response is None else SiteResponse(warnings=response.warnings)
    messages = record_response(agreement, {}, warned, is_whole_order=bool(warned.warnings))
    _save_agreement(order, agreement)
    write_response(order, messages, push_id)
    return order


def _save_agreement(order: Order, agreement: Agreement) -> None:
    order.bitrix_state = agreement.as_json()
    order.save(update_fields=["bitrix_state", "status_held_until", "updated_at"])


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
    response: SiteResponse = SILENCE,
) -> Order:
    """Record that the site has created the order with this id, number and values, except the refused values.

    A webhook event may have reported the order before. If the event contained our XML_ID, the id and the number are
    already set. If not, the event has created a second order in the CRM, which is deleted. Raise `NotAllowedError` if
    staff have worked on the second order.
    """
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    twin_id: UUID | None = None
    taken = {name: value for name, value in values.items() if name not in response.refused}
    if order.bitrix_order_id is None or (order.has_left_site and order.bitrix_order_id != bitrix_order_id):
        # If the order had a different id on the site, it was deleted or archived there after this request was sent.
        order.is_deleted_on_site = order.is_archived_on_site = False
        twin = lock_site_order(bitrix_order_id)
        order.bitrix_order_id = bitrix_order_id
        order.order_number = order_number[:20] or str(bitrix_order_id)
        agreement.settle({"order_number": order.order_number})
        agreement.accept(taken)
        agreement.site_status = site_status
        if twin is not None:
            twin_id = twin.pk
            agreement = _replace_twin(order, twin)
    agreement.times_received += 1
    _note_version(order, version)
    damaged = _note_held(agreement, taken, response)
    messages = record_response(agreement, values, response)
    _save_after_answer(order, agreement, "is_deleted_on_site", "is_archived_on_site")
    _write_sent(order, SentToSite(created=bitrix_order_id, twin=twin_id, values=taken), push_id)
    write_response(order, messages, push_id)
    _write_damaged(order, damaged, push_id)
    return order


def _note_held(agreement: Agreement, taken: Mapping[str, Any], response: SiteResponse) -> dict[str, Damaged]:
    """Record the values that the site has stored in a different form. Return those that are new."""
    known = dict(agreement.damaged)
    agreement.note_held(taken, response.held, current_limits)
    return {name: pair for name, pair in agreement.damaged.items() if known.get(name) != pair}


def _write_damaged(order: Order, damaged: Mapping[str, Damaged], push_id: UUID) -> None:
    writes = Writes()
    write_damaged(order, damaged, push_id=push_id, writes=writes)
    writes.flush()


def _replace_twin(order: Order, twin: Order) -> Agreement:
    """Delete the twin, which a webhook event without our XML_ID has created, and return its agreement for our order.

    The agreement of the twin is newer than the response to our request. Our order has the pending changes of staff.
    """
    Order.objects.select_for_update().filter(pk=twin.pk).values_list("pk").first()  # no note can be added from now on
    if twin.events.exclude(source__in=REPORTED_BY_SITE).exists() or twin.notes.exists() or twin.photos.exists():
        raise NotAllowedError(
            gettext("Order № %(number)s is already in the CRM as the site's own, and staff have worked on it.")
            % {"number": twin.order_number}
        )
    order.bitrix_version, order.bitrix_updated_at = twin.bitrix_version, twin.bitrix_updated_at
    agreement = Agreement.from_json(twin.bitrix_state)
    twin.delete()
    return agreement


@transaction.atomic
def record_accepted(
    *,
    order_id: UUID,
    values: Mapping[str, Any],
    site_status: str | None,
    version: int | None,
    push_id: UUID,
    times_received: int | None = None,
    response: SiteResponse = SILENCE,
) -> Order:
    """Record that the site has accepted these values (comparable form), except the values that it has refused.

    `version` is the version in the response. `times_received` is the value of `Agreement.times_received` before the
    request, or before its first attempt if the site reports that it had accepted the first attempt. If an event has
    reported a newer version since then, the site changed the order after accepting our values, and the reported values
    are kept. If an event has reported different values with a version that is not newer, it is not known which values
    are newer, and the order must be fetched (`is_unclear`).
    """
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    has_reported_since = times_received is None or agreement.times_received != times_received
    is_lower = version is not None and order.bitrix_version is not None and version < order.bitrix_version
    agreement.unanswered = None
    taken = {name: value for name, value in values.items() if name not in response.refused}
    changes: list[dict[str, Any]] = []
    damaged = _note_held(agreement, taken, response)
    if is_lower and has_reported_since:
        changes = _take_later_values(order, agreement, taken)
        agreement.times_received += 1
    else:
        is_unclear = times_received is not None and has_reported_since and not agreement.has(taken)
        agreement.merge_answer(version, taken, is_unclear=is_unclear)
        if site_status is not None and "status" in taken:
            agreement.site_status = site_status
        if version is None:
            agreement.unversioned_at = timezone.now()
        # The version may be lower than before: a later save lowered it, or the site was restored to an older state.
        order.bitrix_version = version if version is not None else order.bitrix_version
    if order.sync_state == SyncState.CONFLICT and "status" in taken:
        order.sync_state = SyncState.PENDING
    messages = record_response(agreement, values, response)
    columns = {change["field"] for change in changes}
    columns.update(clear_position(order, columns))
    _save_after_answer(order, agreement, *(FIELDS[name].attribute if name in FIELDS else name for name in columns))
    _write_sent(order, SentToSite(values=taken), push_id)
    write_response(order, messages, push_id)
    _write_damaged(order, damaged, push_id)
    if changes:
        event = write_event(order=order, payload=FieldsChanged(), source=Source.SITE, changes=changes, push_id=push_id)
        publish(OrderChange(order, event))
    return order


def _take_later_values(order: Order, agreement: Agreement, sent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Set the values that the site reported after it accepted our values, and return the changes.

    A field that has been changed in the CRM since then is not set. Our items are kept and sent again, because the
    site's items are known only in the form used for comparison.
    """
    changes = []
    ours = order_values(order, [name for name in sent if name != ITEMS])
    for name, value in sent.items():
        agreement.sent.pop(name, None)
        later = agreement.value(name)
        if name != ITEMS and ours[name] == value and later != as_sent(name, value):
            set_comparable(order, name, later)
            changes.append({"field": name, "old": value, "new": later})
            if name == "status":
                order.status_held_until = None
                changes += follow_status(order, value, at=timezone.now())
    return changes


@transaction.atomic
def record_site_status(
    *, order_id: UUID, site_status: str, version: int | None, push_id: UUID, times_received: int | None = None
) -> Order:
    """Set the site's status after the site refused our status because its own status had changed.

    Our status is recorded as the desired one. If the site's status was sent by the CRM and only the response was lost,
    there is no conflict: both sides agree. `times_received` is the value of `Agreement.times_received` before the
    request. If the site has reported the order since then, nothing is changed, and the caller must read the order
    again.
    """
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    if times_received is not None and agreement.times_received != times_received:
        return order
    agreement.times_received += 1
    references = resolve(SiteIds(status=site_status))
    code = references.status or order.status_id
    desired = order.status_id
    is_own_echo = code in agreement.sent.get("status", ()) or code == desired
    agreement.settle({"status": code})
    # After this response no status that was sent before can still arrive.
    agreement.sent.pop("status", None)
    agreement.site_status = site_status
    if version is not None:
        order.bitrix_version = version  # may be lower than before
        if agreement.received_version is not None and agreement.received_version >= version:
            agreement.received_version = None  # the order of that version had a different status
    if is_own_echo:
        _save_after_answer(order, agreement)
        return order
    order.status = Status.objects.get(code=code)
    order.status_held_until = None
    if references.status_is_final and order.completed_at is None:
        order.completed_at = timezone.now()
    order.sync_state = SyncState.CONFLICT
    making = follow_status(order, desired, at=timezone.now())
    _save_after_answer(order, agreement, "completed_at", *MAKING_FACTS)
    event = write_event(
        order=order,
        payload=BothChanged(desired={"status": desired}),
        source=Source.SITE,
        changes=[{"field": "status", "old": desired, "new": code}, *making],
        reason=Reason.SITE_HAS_OTHER,
        push_id=push_id,
    )
    publish(OrderChange(order, event))
    return order


@transaction.atomic
def record_refused(*, order_id: UUID, push_id: UUID, reason: Reason, message: str) -> Order:
    """Record that a push has failed: the site refused it or could not be reached, or staff stopped it.

    The record of the sent values is kept, since a request whose response was lost may have arrived.
    """
    order = lock_order(order_id)
    if order.sync_state != SyncState.CONFLICT:  # a conflict is kept until the manager decides
        order.sync_state = SyncState.FAILED
    order.save(update_fields=["sync_state", "updated_at"])
    unsent = unsent_fields(order, Agreement.from_json(order.bitrix_state))
    write_event(
        order=order,
        payload=RefusedBySite(message=message, fields=tuple(unsent)),
        source=Source.SYSTEM,
        reason=reason,
        push_id=push_id,
    )
    return order


@transaction.atomic
def record_value_refused(*, order_id: UUID, values: Mapping[str, Any], refusal: FieldRefusal, push_id: UUID) -> Order:
    """Record that the site can't store these values and has changed nothing."""
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    agreement.unanswered = None
    messages = record_response(
        agreement, values, SiteResponse(refused=dict.fromkeys(values, refusal)), is_whole_order=False
    )
    _save_after_answer(order, agreement)
    write_response(order, messages, push_id)
    return order


@transaction.atomic
def reassess_sync_state(*, order_id: UUID, by_person: bool = False) -> None:
    """Compute the sync state again, after a push without changes or when staff retry a push.

    A conflict is kept. A retry by staff (`by_person`) also sends the values that the site could not store.
    """
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    if by_person:
        agreement.refused.clear()
    settle_sync_state(order, agreement, list(order.items.all()), is_pending_change=True)
    order.bitrix_state = agreement.as_json()
    order.save(update_fields=["bitrix_state", "sync_state", "updated_at"])


@transaction.atomic
def accept_site_state(*, order_id: UUID, actor: User | None, source: Source = Source.ADMIN) -> Order:
    """Resolve a conflict by accepting the site's status in place of the desired one.

    Other pending changes are sent now. An order without a conflict is not changed.
    """
    order = lock_order(order_id)
    if order.sync_state != SyncState.CONFLICT:
        return order
    order.sync_state = SyncState.SYNCED
    # The items are passed because the sync state before the conflict does not show whether they are agreed on.
    settle_sync_state(order, Agreement.from_json(order.bitrix_state), list(order.items.all()))
    order.save(update_fields=["sync_state", "updated_at"])
    event = write_event(order=order, payload=Noted(resolved="site's state accepted"), source=source, actor=actor)
    publish(OrderChange(order, event))
    return order


def _note_version(order: Order, version: int | None) -> None:
    if version is not None:
        order.bitrix_version = max(version, order.bitrix_version or 0)


def _save_after_answer(order: Order, agreement: Agreement, *more: str) -> None:
    settle_sync_state(order, agreement)
    order.bitrix_state = agreement.as_json()
    order.save(
        update_fields=[
            "bitrix_order_id",
            "order_number",
            "status",
            "status_held_until",
            "bitrix_state",
            "bitrix_version",
            "bitrix_updated_at",
            "sync_state",
            "updated_at",
            *more,
        ]
    )


def _write_sent(order: Order, payload: SentToSite, push_id: UUID) -> None:
    write_event(order=order, payload=payload, source=Source.SYSTEM, push_id=push_id)
