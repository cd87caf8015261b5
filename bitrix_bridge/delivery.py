"""Delivering a push: bring the site to the order's present state, one request after the other until nothing is left.

What is sent is worked out when it leaves: the fields in which the order differs from what the site last said. Each
request's values are noted before the call and its success right after it, so that a worker that dies in between, or an
answer that is lost, costs a repetition and never a second order or a lost wish.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.completion import request_answer
from bitrix_bridge.errors import OrderNotFound, StatusConflict
from bitrix_bridge.events import deletion_of
from bitrix_bridge.models import Push
from bitrix_bridge.outgoing import unsent_fields, waits_until
from bitrix_bridge.parts import STATUS, as_one, request_parts
from bitrix_bridge.payloads.outgoing import create_request, update_request
from bitrix_bridge.transports import NoTransport, SiteClient
from cvety_crm.masking import keepable
from cvety_crm.outbox import (
    Delivered,
    DeliveryFailure,
    Misconfigured,
    NoLongerNeeded,
    NotYet,
    PermanentRefusal,
    TemporaryFailure,
)
from orders import services
from orders.agreement import Agreement
from orders.fields import ITEMS, PUSHED, order_values
from orders.grace import leaves_at
from orders.models import Order, Reason, Status, SyncState

MAX_STEPS = 12
"""Create, all fields at once, each kind apart, status, and again what has changed meanwhile."""


def deliver(push: Push) -> Delivered:
    """Call the site as often as needed. Raises `cvety_crm.outbox` failures.

    What the site refuses of one kind (a status that it does not know, the cancelling of a paid order) does not keep
    back the other. Nor does a status that can be taken back still: it stays behind, and the push waits for it.
    """
    client = SiteClient()
    done: list[str] = []
    refused: dict[str, PermanentRefusal] = {}
    apart = is_asked = False
    held_until: datetime | None = None
    for _step in range(MAX_STEPS):
        order = Order.objects.select_related("customer", "status").get(pk=push.order_id)
        if order.is_deleted_on_site:
            raise NoLongerNeeded(gettext("The order was deleted on the site."))
        values = order_values(order, PUSHED, list(order.items.all()))
        if order.bitrix_order_id is None:
            done += _create(client, push, order, values)
            continue
        agreement = Agreement.from_json(order.bitrix_state)
        if agreement.is_unclear and not is_asked:
            request_answer(order)
            is_asked = True
        unsent = {name: values[name] for name in agreement.unsent(values) if name not in refused}
        held_until = leaves_at(order.status_held_until) if STATUS in unsent else None
        if held_until is not None:
            del unsent[STATUS]
        if not unsent:
            break
        part = request_parts(unsent, apart=apart, together=_goes_along(client, order, unsent))[0]
        if part != (STATUS,) and not apart:
            part = _unanswered(agreement, part, values, is_held=held_until is not None) or part
        try:
            if part == (STATUS,):
                done += _set_status(client, push, order, agreement)
            else:
                done += _update(client, push, order, agreement, {name: values[name] for name in part})
        except PermanentRefusal as refusal:
            if isinstance(refusal, Misconfigured | OrderNotFound) and not isinstance(refusal, NoTransport):
                raise
            if not apart and request_parts({name: values[name] for name in part}, apart=True) != [part]:
                apart = True
            else:
                refused |= dict.fromkeys(part, refusal)
    else:
        raise TemporaryFailure(gettext("The site takes the order's state but does not keep it."))
    if held_until is not None and (refused or not done):
        # What was refused fails only after the status has had its turn.
        reasons = [refusal.message for refusal in refused.values()]
        raise NotYet(reasons[0] if reasons else gettext("The status can still be taken back."), due_at=held_until)
    if refused:
        raise as_one(refused)
    if not done:
        services.reassess_sync_state(order_id=push.order_id)
        raise NoLongerNeeded(gettext("The site has the order as it is."))
    return Delivered(code="200", answer="; ".join(done))


# Each of these returns what it has done: nothing when the order was changed in the last moment, and is to be looked at
# again.


def _create(client: SiteClient, push: Push, order: Order, values: Mapping[str, Any]) -> list[str]:
    request = create_request(order, values, order.items.all())
    first_status = Status.objects.get(code="new")
    # The site's create knows no status: an order begins as N there, and its status follows as a push of its own.
    # Nor that it is cancelled or paid.
    instead = {"status": first_status.code, "is_cancelled": False, "payment_status": "pending"}
    if order.payment_method:
        # Where the settings name no pay system for it, the order is made with another one.
        instead["payment_method"] = settings.BITRIX_PAY_SYSTEMS.get(request["payment_method_id"], "")
    sent = {**values, **instead}
    agreement = Agreement.from_json(order.bitrix_state)
    if not services.note_sending(order_id=order.pk, values=values, instead=instead):
        return []
    _keep_request(push, {"action": "order.create", **request})
    created = client.create_order({**request, "event_id": str(push.pk)})
    if not created.is_new:
        # An earlier request made it, whose answer was lost. What that one said is what the site has; where several
        # differ, the first value is assumed and the push goes on until the site has the present one.
        sent |= {name: earlier[0] for name, earlier in agreement.sent.items() if earlier}
    try:
        services.record_created_on_site(
            order_id=order.pk,
            bitrix_order_id=created.order_id,
            order_number=created.order_number,
            site_status=first_status.bitrix_code or "N",
            values=sent,
            version=created.version,
            push_id=push.pk,
        )
    except services.NotAllowed as twin:
        raise PermanentRefusal(str(twin)) from twin
    # The site's people may have deleted it before its id was known here, when nobody knew whose event that was.
    deletion = deletion_of(created.order_id)
    if created.is_deleted or deletion is not None:
        services.mark_deleted(
            bitrix_order_id=created.order_id, webhook_event_id=deletion.pk if deletion is not None else None
        )
    return [f"order.create: {created.order_id}"]


def _set_status(client: SiteClient, push: Push, order: Order, agreement: Agreement) -> list[str]:
    wanted = order.status.bitrix_code
    if wanted is None:
        raise PermanentRefusal(
            gettext("The site has no status for “%(status)s”: give it a code of the site.") % {"status": order.status}
        )
    request = {"status_id": wanted, "expected_status_id": agreement.site_status}
    values = {"status": order.status_id}
    if not services.note_sending(order_id=order.pk, values=values):
        return []
    _keep_request(push, {"action": "order.status", "order_id": order.bitrix_order_id, **request})
    try:
        version = client.set_status(order.bitrix_order_id or 0, **request)
    except StatusConflict as conflict:
        return _record_conflict(push, order, agreement, conflict)
    _record(push, order, values, version, times_heard=agreement.times_heard, site_status=wanted)
    return [f"order.status: {wanted}"]


def _record_conflict(push: Push, order: Order, agreement: Agreement, conflict: StatusConflict) -> list[str]:
    services.record_site_status(
        order_id=order.pk,
        site_status=conflict.status_id,
        version=conflict.version,
        times_heard=agreement.times_heard,
        push_id=push.pk,
    )
    return [f"status: {conflict.status_id} != {agreement.site_status}"]


def _goes_along(client: SiteClient, order: Order, unsent: Mapping[str, Any]) -> bool:
    """Return whether the status may go in one request with the rest."""
    return STATUS in unsent and len(unsent) > 1 and bool(order.status.bitrix_code) and client.takes_status_along()


def _unanswered(
    agreement: Agreement, part: tuple[str, ...], ours: Mapping[str, Any], *, is_held: bool
) -> tuple[str, ...] | None:
    """Return the fields of the request whose answer is still out, if some of `part` were in it and nothing has changed.

    It goes first, and alone: only word for word the site knows it again. Whatever else there is follows.
    """
    earlier = agreement.unanswered
    if earlier is None or earlier.values.keys().isdisjoint(part) or (is_held and STATUS in earlier.values):
        return None
    return tuple(earlier.values) if all(ours[name] == value for name, value in earlier.values.items()) else None


def _update(client: SiteClient, push: Push, order: Order, agreement: Agreement, unsent: Mapping[str, Any]) -> list[str]:
    items = order.items.all() if ITEMS in unsent else ()
    request = update_request(order, unsent, items, expected_status_id=agreement.site_status)
    begun = services.begin_request(order_id=order.pk, values=unsent)
    if begun is None:
        return []
    _keep_request(push, {"action": "order.update", "order_id": order.bitrix_order_id, **request})
    try:
        updated = client.update_order(order.bitrix_order_id or 0, request, event_id=begun.key)
    except StatusConflict as conflict:
        # Nothing was changed there: what else there is follows without the status.
        services.end_request(order_id=order.pk)
        return _record_conflict(push, order, agreement, conflict)
    except PermanentRefusal:
        services.end_request(order_id=order.pk)
        raise
    # Of what an earlier request has done the site may have told, and gone on, since that one.
    times_heard = begun.times_heard if updated.is_repetition else agreement.times_heard
    site_status = order.status.bitrix_code if STATUS in unsent else None
    _record(push, order, unsent, updated.version, times_heard=times_heard, site_status=site_status)
    return [f"order.update: {', '.join(sorted(unsent))}"]


def _record(
    push: Push,
    order: Order,
    values: Mapping[str, Any],
    version: int | None,
    *,
    times_heard: int,
    site_status: str | None = None,
) -> None:
    services.record_accepted(
        order_id=order.pk,
        values=values,
        site_status=site_status,
        version=version,
        times_heard=times_heard,
        push_id=push.pk,
    )


def _keep_request(push: Push, request: dict[str, Any]) -> None:
    push.request = json.loads(json.dumps(request))
    push.save(update_fields=["request", "updated_at"])


def after_delivery(push: Push) -> datetime | None:
    """Return when the rest is to be sent, if there is any: at once what was changed while the push was under way, a
    status that can be taken back when it can't any more. The order is locked.
    """
    order = Order.objects.get(pk=push.order_id)
    if order.is_deleted_on_site or not unsent_fields(order):
        return None
    return waits_until(order) or timezone.now()


def after_failure(push: Push, failure: DeliveryFailure) -> None:
    """Show on the order that the site does not know, and why."""
    reason = Reason.NONE
    if isinstance(failure, OrderNotFound):
        reason = Reason.ORDER_GONE
    elif isinstance(failure, TemporaryFailure):
        reason = Reason.GAVE_UP
    services.record_refused(order_id=push.order_id, push_id=push.pk, reason=reason, message=failure.message)


def after_cancellation(push: Push, reason: str) -> None:
    """Show on the order that the site has not got it, and that staff left it at that."""
    order = Order.objects.get(pk=push.order_id)
    if order.sync_state == SyncState.PENDING:
        services.record_refused(
            order_id=order.pk, push_id=push.pk, reason=Reason.STOPPED_BY_HAND, message=keepable(reason)
        )
