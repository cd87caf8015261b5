"""What the bridge reports of an order's way to the site. The only place where `sync_state` is set by the bridge."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError
from orders.models import REPORTED_BY_SITE, Order, Reason, Source, Status, SyncState
from orders.rules.hold import leaves_at
from orders.services.locking import lock_order, lock_site_order, settle_sync_state, unsent_fields
from orders.services.outbound.site_response import record_response, write_response
from orders.services.references import resolve
from orders.services.timeline import write_event
from orders.sync.fields import FIELDS, ITEMS, as_sent, order_values, set_comparable
from orders.sync.site_response import SILENCE, FieldRefusal, SiteResponse
from orders.sync.three_way_merge import Agreement, Request
from orders.timeline_payloads import BothChanged, FieldsChanged, Noted, RefusedBySite, SentToSite


@transaction.atomic
def note_sending(*, order_id: UUID, values: Mapping[str, Any], instead: Mapping[str, Any] | None = None) -> bool:
    """Remember values (comparable form) that are about to be sent: their echo may come before their answer.

    `instead` holds what is sent in place of some of them. Return False, and remember nothing, when the order has other
    values by now, or its status can be taken back still: whoever wanted to send has to look again. Once it is
    remembered here that the status is sent, it can't be taken back any more.
    """
    order = lock_order(order_id)
    instead = instead or {}
    if not _let_leave(order, {name: value for name, value in values.items() if name not in instead}):
        return False
    agreement = Agreement.from_json(order.bitrix_state)
    agreement.note_sending({**values, **instead})
    _save_agreement(order, agreement)
    return True


def _let_leave(order: Order, own: Mapping[str, Any]) -> bool:
    """Return whether these values may be sent; a status can't be taken back from then on."""
    is_held = "status" in own and leaves_at(order.status_held_until) is not None
    if is_held or order_values(order, own) != dict(own):
        return False
    if "status" in own:
        order.status_held_until = None
    return True


@transaction.atomic
def start_request(*, order_id: UUID, values: Mapping[str, Any]) -> Request | None:
    """The same for more than the status, of which the site may be asked word for word again.

    Return the request, whose key is sent along: the earlier one if this was sent before and not answered. None when
    the order has other values by now, or its status can be taken back still.
    """
    order = lock_order(order_id)
    if not _let_leave(order, values):
        return None
    agreement = Agreement.from_json(order.bitrix_state)
    request = agreement.start_request(values)
    _save_agreement(order, agreement)
    return request


@transaction.atomic
def end_request(*, order_id: UUID) -> None:
    """Note that the site has refused what was begun: it is not done, and need not be asked for word for word again."""
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    agreement.unanswered = None
    _save_agreement(order, agreement)


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
    words: SiteResponse = SILENCE,
) -> Order:
    """Note that the site has created the order, under this id and number, with these values but for those refused.

    A webhook may have said so before: if it named our XML_ID nothing is left to note, and if it did not, it has made a
    second order here, which gives way to ours. Raises `NotAllowedError` when staff have worked on that one.
    """
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    twin_id: UUID | None = None
    taken = {name: value for name, value in values.items() if name not in words.refused}
    if order.bitrix_order_id is None or (order.has_left_site and order.bitrix_order_id != bitrix_order_id):
        # An earlier one of it has left the site: the request had gone out before that was known.
        order.is_deleted_on_site = order.is_archived_on_site = False
        twin = lock_site_order(bitrix_order_id)
        order.bitrix_order_id = bitrix_order_id
        order.order_number = order_number[:20] or str(bitrix_order_id)
        agreement.settle({"order_number": order.order_number, **taken})
        agreement.site_status = site_status
        if twin is not None:
            twin_id = twin.pk
            agreement = _take_over(order, twin)
    agreement.times_received += 1
    _note_version(order, version)
    said = record_response(agreement, values, words)
    _save_after_answer(order, agreement, "is_deleted_on_site", "is_archived_on_site")
    _write_sent(order, SentToSite(created=bitrix_order_id, twin=twin_id, values=taken), push_id)
    write_response(order, said, push_id)
    return order


def _take_over(order: Order, twin: Order) -> Agreement:
    """Delete an order that a webhook without our XML_ID has made of this one; return what is known of the site's side.

    What it knows of the site is newer than the answer to our request, and what staff wish is on ours.
    """
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
    words: SiteResponse = SILENCE,
) -> Order:
    """Note that the site has taken over these values (comparable form), but for those that it has refused.

    `version` is the answer's. `times_received` is what `Agreement.times_received` was before the site was asked, for
    the first time if it says that it had taken them at an earlier request. If a webhook has told of a newer version
    since, the site saw our values first and what it says now came after them: that stands. If it has told of other
    values under a version that is not newer, nothing says which came first: the site is to be asked (`is_unclear`).
    """
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    has_reported_since = times_received is None or agreement.times_received != times_received
    is_lower = version is not None and order.bitrix_version is not None and version < order.bitrix_version
    agreement.unanswered = None
    taken = {name: value for name, value in values.items() if name not in words.refused}
    changes: list[dict[str, Any]] = []
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
        # Lower than before the call: it has fallen, or the site was put back to an older state.
        order.bitrix_version = version if version is not None else order.bitrix_version
    if order.sync_state == SyncState.CONFLICT and "status" in taken:
        order.sync_state = SyncState.PENDING
    said = record_response(agreement, values, words)
    _save_after_answer(order, agreement, *(FIELDS[change["field"]].attribute for change in changes))
    _write_sent(order, SentToSite(values=taken), push_id)
    write_response(order, said, push_id)
    if changes:
        event = write_event(order=order, payload=FieldsChanged(), source=Source.SITE, changes=changes, push_id=push_id)
        publish(OrderChange(order, event))
    return order


def _take_later_values(order: Order, agreement: Agreement, sent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Take what the site has said after it had taken ours, where ours has not changed since; return the changes.

    Items stay ours and are sent once more: only their comparable form is known.
    """
    changes = []
    ours = order_values(order, [name for name in sent if name != ITEMS])
    for name, value in sent.items():
        agreement.sent.pop(name, None)
        later = agreement.value(name)
        if name != ITEMS and ours[name] == value and later != as_sent(name, value):
            set_comparable(order, name, later)
            if name == "status":
                order.status_held_until = None
            changes.append({"field": name, "old": value, "new": later})
    return changes


@transaction.atomic
def record_site_status(
    *, order_id: UUID, site_status: str, version: int | None, push_id: UUID, times_received: int | None = None
) -> Order:
    """The site has another status than we believed and refused ours: take the site's, keep the manager's wish.

    A status that we sent ourselves, whose answer was lost, is no conflict: it is agreed on. `times_received` is what
    `Agreement.times_received` was before the call: when the site has told of the order since, nothing is done, and who
    wanted to send has to look again.
    """
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    if times_received is not None and agreement.times_received != times_received:
        return order
    agreement.times_received += 1
    references = resolve(status=site_status)
    code = references.status or order.status_id
    wish = order.status_id
    is_own_echo = code in agreement.sent.get("status", ()) or code == wish
    agreement.settle({"status": code})
    # The site has answered: nothing of what was sent is still on its way.
    agreement.sent.pop("status", None)
    agreement.site_status = site_status
    if version is not None:
        order.bitrix_version = version  # lower than before, if it has fallen
        if agreement.received_version is not None and agreement.received_version >= version:
            agreement.received_version = None  # with this status it was another state
    if is_own_echo:
        _save_after_answer(order, agreement)
        return order
    order.status = Status.objects.get(code=code)
    order.status_held_until = None
    if references.status_is_final and order.completed_at is None:
        order.completed_at = timezone.now()
    order.sync_state = SyncState.CONFLICT
    _save_after_answer(order, agreement, "completed_at")
    event = write_event(
        order=order,
        payload=BothChanged(desired={"status": wish}),
        source=Source.SITE,
        changes=[{"field": "status", "old": wish, "new": code}],
        reason=Reason.SITE_HAS_OTHER,
        push_id=push_id,
    )
    publish(OrderChange(order, event))
    return order


@transaction.atomic
def record_refused(*, order_id: UUID, push_id: UUID, reason: Reason, message: str) -> Order:
    """The site will not take the order's state, could not be reached at all, or staff gave up: a person has to look.

    What was sent before is remembered: an earlier request, whose answer was lost, may have arrived all the same.
    """
    order = lock_order(order_id)
    if order.sync_state != SyncState.CONFLICT:  # which still waits for the manager's decision
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
    """Note that the site can't hold the values that it was asked to take, and has done nothing."""
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    agreement.unanswered = None
    said = record_response(
        agreement, values, SiteResponse(refused=dict.fromkeys(values, refusal)), has_more_response=False
    )
    _save_after_answer(order, agreement)
    write_response(order, said, push_id)
    return order


@transaction.atomic
def reassess_sync_state(*, order_id: UUID, by_person: bool = False) -> None:
    """Work out again whether the order waits to be sent: there was nothing to send, or a person wants it retried.

    The person wants that also of what the site could not hold. A conflict stays one.
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
