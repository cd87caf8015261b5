"""Deliver a push by sending one request after the other until the site has the order's current state.

The pending fields are computed again before each request. The values of a request are stored before it is sent, and its
success is stored right after the response. If a worker is killed in between, or a response is lost, the request is
repeated. No order is created twice, and no change is lost.
"""

import json
import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.models import Push, WebhookEvent
from bitrix_bridge.outbound.queueing import earliest_delivery, unsent_fields
from bitrix_bridge.outbound.request_batches import STATUS, Split, combine_refusals, further_split, request_batches
from bitrix_bridge.payloads.outgoing import create_request, update_request
from bitrix_bridge.payloads.response import VALUE_CODES
from bitrix_bridge.refetch import fetch_and_apply, request_status_check
from bitrix_bridge.site_client.bridge_client import Updated
from bitrix_bridge.site_client.errors import OrderArchivedError, OrderNotFoundError, StatusConflictError, refused_part
from bitrix_bridge.site_client.transports import NoTransportError, SiteClient
from cvety_crm.masking import truncate_masked
from cvety_crm.outbox import (
    Delivered,
    Deliverer,
    DeliveryError,
    MisconfiguredError,
    NoLongerNeededError,
    NotDueError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
    register_deliverer,
)
from orders import services
from orders.models import Order, Reason, Status, SyncState
from orders.rules.hold import release_time
from orders.selectors.pay_systems import sendable_systems
from orders.sync.agreement import Agreement
from orders.sync.fields import ITEMS, PUSHED, order_values
from orders.sync.site_response import FieldRefusal, SiteResponse

logger = logging.getLogger(__name__)

MAX_STEPS = 30
"""The maximum number of steps of one delivery. It is enough to create the order and to send each split of its fields,
its status, and changes made during the delivery."""


LINE_UNKNOWN = "basket_unknown"
"""The bridge's error code for a request that changes items which the site does not have (docs/bitrix.md)."""


class ValuesRefusedError(PermanentDeliveryError):
    """The site can't store some values and has accepted all other values. The order's timeline shows the reasons."""


def deliver(push: Push) -> Delivered:
    """Send as many requests as needed. Raise an exception of `cvety_crm.outbox` if a field was not delivered.

    If the site refuses a field (an unknown status, the cancellation of a paid order), the other fields are still sent.
    The other fields are also sent while the status is held. The push is then delivered again at the end of the hold
    period.
    """
    client, progress = SiteClient(), Progress()
    for _step in range(MAX_STEPS):
        if not _make_request(client, push, progress):
            return _outcome(push, progress.exchange, progress.agreement, progress.held_until)
    raise TemporaryDeliveryError(gettext("The site accepts the order's state but does not store it."))


def _make_request(client: SiteClient, push: Push, progress: "Progress") -> bool:
    """Send the next request. Return False if nothing is left to send."""
    order = _order_on_site(push)
    values = order_values(order, PUSHED, list(order.items.all()))
    if order.bitrix_order_id is None:
        _create(client, push, order, values, progress.exchange)
        return True
    agreement = progress.agreement = Agreement.from_json(order.bitrix_state)
    if agreement.is_unclear and not progress.is_check_requested:
        request_status_check(order)
        progress.is_check_requested = True
    unsent = _sendable(order, values, progress)
    sent = _next_values(client, order, values, unsent, progress) if unsent else {}
    if lost := _lost_request(agreement, sent):
        _read_lost_response(client, push, order, lost)
        return True
    if not sent:
        return False
    _send(client, push, order, sent, progress)
    if not progress.are_lines_read and progress.exchange.forget_unknown_lines():
        progress.are_lines_read = _read_lines(order)
    return True


def _next_values(
    client: SiteClient, order: Order, values: Mapping[str, Any], unsent: Mapping[str, Any], progress: "Progress"
) -> dict[str, Any]:
    """Return the values of the next request: a batch of the pending ones, or those of a request to repeat."""
    batch = request_batches(unsent, progress.split, with_status=_can_include_status(client, order, unsent))[0]
    if batch != (STATUS,) and progress.split is Split.TOGETHER:
        may_send_status = progress.held_until is None and order.status.bitrix_code is not None
        batch = _unanswered(progress.agreement, batch, values, may_send_status=may_send_status) or batch
    return {name: values[name] for name in batch}


def _lost_request(agreement: Agreement, sent: Mapping[str, Any]) -> str | None:
    """Return the key of a request that got no response and that `sent` does not repeat, or None.

    Its response is read before the next request, because it may say that the site has moved money. A request for the
    status alone replaces no other request.
    """
    if agreement.unread:
        return agreement.unread[0]
    earlier = agreement.unanswered
    return earlier.key if earlier is not None and sent != earlier.values and tuple(sent) != (STATUS,) else None


def _read_lost_response(client: SiteClient, push: Push, order: Order, key: str) -> None:
    assert order.bitrix_order_id is not None
    with _archived_ends_delivery(order):
        try:
            response = client.read_response(order.bitrix_order_id, key)
        except (MisconfiguredError, OrderArchivedError, OrderNotFoundError):
            raise
        except PermanentDeliveryError as refusal:
            logger.warning("the response to an earlier request can't be read: %s", refusal.message)
            response = None
    services.record_late_response(order_id=order.pk, key=key, response=response, push_id=push.pk)


def _order_on_site(push: Push) -> Order:
    """Read the push's order again. Raise `NoLongerNeededError` if the site has deleted or archived the order."""
    order = Order.objects.select_related("customer", "status").get(pk=push.order_id)
    if order.is_deleted_on_site:
        raise NoLongerNeededError(gettext("The order was deleted on the site."))
    if order.is_archived_on_site:
        raise NoLongerNeededError(gettext("The order is in the site's archive."))
    return order


def _sendable(order: Order, values: Mapping[str, Any], progress: "Progress") -> dict[str, Any]:
    """Return the pending values that the site has not refused. Leave out a status that is held."""
    names = progress.agreement.unsent(values)
    unsent = {name: values[name] for name in names if name not in progress.exchange.refused}
    progress.held_until = release_time(order.status_held_until) if STATUS in unsent else None
    if progress.held_until is not None:
        del unsent[STATUS]
    return unsent


def _send(client: SiteClient, push: Push, order: Order, sent: Mapping[str, Any], progress: "Progress") -> None:
    """Send one request and record what the site refused in it."""
    try:
        with _archived_ends_delivery(order):
            if tuple(sent) == (STATUS,):
                _set_status(client, push, order, progress.agreement, progress.exchange)
            else:
                _update(client, push, order, progress.agreement, sent, progress.exchange)
    except NoTransportError as refusal:
        _handle_refusal(push, order, sent, refusal, progress)
    except (MisconfiguredError, OrderNotFoundError):
        raise
    except PermanentDeliveryError as refusal:
        _handle_refusal(push, order, sent, refusal, progress)


@contextmanager
def _archived_ends_delivery(order: Order) -> Iterator[None]:
    """Mark the order as archived if the site says so, and raise `NoLongerNeededError`."""
    try:
        yield
    except OrderArchivedError as archived:
        assert order.bitrix_order_id is not None
        services.mark_archived([order.bitrix_order_id])
        raise NoLongerNeededError(archived.message) from archived


def _handle_refusal(
    push: Push, order: Order, sent: Mapping[str, Any], refusal: PermanentDeliveryError, progress: "Progress"
) -> None:
    """Prepare the next request after a refused one: fetch the site's items, split the request, or leave out fields."""
    further = further_split(sent, progress.split, refusal)
    if refusal.code == LINE_UNKNOWN and not progress.are_lines_read:
        progress.are_lines_read = _read_lines(order)
    elif further is not None:
        progress.split = further
    elif refusal.code in VALUE_CODES and len(sent) == 1:
        _record_value_refused(push, order, sent, refusal, progress.exchange)
    else:
        progress.exchange.refused |= dict.fromkeys(sent, refusal)


@dataclass(slots=True)
class Exchange:
    """The results of the requests of one delivery.

    A request is not sent if the order was changed just before. The order is then read again.
    """

    done: list[str] = field(default_factory=list)
    refused: dict[str, PermanentDeliveryError] = field(default_factory=dict)
    """The names of the fields that the site refused -> the reasons."""
    values_refused: dict[str, PermanentDeliveryError] = field(default_factory=dict)
    """The names of the fields whose values the site can't store -> the reasons. The order stores these reasons."""

    def add_refusals(self, response: SiteResponse, sent: Collection[str]) -> None:
        """Add the sent fields that the site refused in a request that it otherwise accepted."""
        for name in response.refused.keys() & set(sent):
            refusal = response.refused[name]
            target = self.values_refused if refusal.is_of_value else self.refused
            target[name] = refused_part(refusal)

    def forget_unknown_lines(self) -> bool:
        """Remove the record that the site has refused unknown items, so that the items are sent again.

        Return whether there was such a record.
        """
        refusal = self.refused.get(ITEMS)
        if refusal is None or refusal.code != LINE_UNKNOWN:
            return False
        for name in (ITEMS, "total_amount"):
            self.refused.pop(name, None)
        return True


@dataclass(slots=True)
class Progress:
    """The state of the delivery of one push."""

    exchange: Exchange = field(default_factory=Exchange)
    agreement: Agreement = field(default_factory=Agreement)
    """The agreement before the last request."""
    held_until: datetime | None = None
    """The end of the hold period of the pending status. None if no status is held."""
    split: Split = Split.TOGETHER
    is_check_requested: bool = False
    are_lines_read: bool = False


def _outcome(push: Push, exchange: Exchange, agreement: Agreement, held_until: datetime | None) -> Delivered:
    refused = exchange.refused or exchange.values_refused
    if held_until is not None and (refused or not exchange.done):
        # The push fails because of refused fields only after the status was sent.
        reasons = [refusal.message for refusal in refused.values()]
        raise NotDueError(reasons[0] if reasons else gettext("The status can still be undone."), due_at=held_until)
    if exchange.refused:
        raise combine_refusals(exchange.refused)
    if exchange.values_refused:
        combined = combine_refusals(exchange.values_refused)
        raise ValuesRefusedError(combined.message, code=combined.code, answer=combined.answer)
    if not exchange.done:
        services.reassess_sync_state(order_id=push.order_id)
        if agreement.refused:
            raise NoLongerNeededError(
                gettext("Values that the site can't store are not sent again until they are changed.")
            )
        raise NoLongerNeededError(gettext("The site has the order as it is."))
    return Delivered(code="200", answer="; ".join(exchange.done))


def _read_lines(order: Order) -> bool:
    """Fetch the order and return True. If the site replaced items without an event, the CRM then has their ids."""
    fetch_and_apply(order, settings.OUTBOX_TIMEOUT)
    return True


def _create(client: SiteClient, push: Push, order: Order, values: Mapping[str, Any], exchange: Exchange) -> None:
    pay_systems = sendable_systems()
    request = create_request(order, values, order.items.all(), pay_systems=pay_systems)
    first_status = Status.objects.get(code="new")
    # The site creates every order with status N, not cancelled and not paid. The real values follow as updates.
    instead = {"status": first_status.code, "is_cancelled": False, "payment_status": "pending"}
    if order.payment_method:
        # If no pay system has this payment method, the order is created with a different one.
        instead["payment_method"] = pay_systems.get(request["payment_method_id"], "")
    sent = {**values, **instead}
    agreement = Agreement.from_json(order.bitrix_state)
    if not services.note_sending(order_id=order.pk, values=values, instead=instead):
        return
    _store_request(push, {"action": "order.create", **request})
    created = client.create_order({**request, "event_id": str(push.pk)})
    if not created.is_new:
        # An earlier request created the order and its response was lost, so the site has the values of that request.
        # If earlier requests had different values of a field, the first value is assumed. The push continues until the
        # site has the CRM's value.
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
            response=created.response,
        )
    except services.NotAllowedError as twin:
        raise PermanentDeliveryError(str(twin)) from twin
    # The site may have deleted the order before the CRM knew its id. The event about the deletion matched no order.
    deletion = WebhookEvent.latest_deletion(created.order_id)
    if created.is_deleted or deletion is not None:
        services.mark_deleted(
            bitrix_order_id=created.order_id, webhook_event_id=deletion.pk if deletion is not None else None
        )
    if created.is_archived:
        services.mark_archived([created.order_id])
    # Fields refused for other reasons are sent again, as an update.
    exchange.add_refusals(created.response, [name for name, one in created.response.refused.items() if one.is_of_value])
    exchange.done.append(f"order.create: {created.order_id}")


def _set_status(client: SiteClient, push: Push, order: Order, agreement: Agreement, exchange: Exchange) -> None:
    wanted = order.status.bitrix_code
    if order.status.is_questioned:
        raise PermanentDeliveryError(
            gettext("“%(status)s” is not sent: it is not decided yet what its code means on the site.")
            % {"status": order.status}
        )
    if wanted is None:
        raise PermanentDeliveryError(
            gettext("The site has no status for “%(status)s”: give it a code of the site.") % {"status": order.status}
        )
    request = {"status_id": wanted, "expected_status_id": agreement.site_status}
    values = {"status": order.status_id}
    if not services.note_sending(order_id=order.pk, values=values):
        return
    _store_request(push, {"action": "order.status", "order_id": order.bitrix_order_id, **request})
    try:
        updated = client.set_status(order.bitrix_order_id or 0, **request)
    except StatusConflictError as conflict:
        exchange.done.append(_record_conflict(push, order, agreement, conflict))
        return
    _record(push, order, values, updated, times_received=agreement.times_received, site_status=wanted)
    exchange.done.append(f"order.status: {wanted}")


def _record_conflict(push: Push, order: Order, agreement: Agreement, conflict: StatusConflictError) -> str:
    services.record_site_status(
        order_id=order.pk,
        site_status=conflict.status_id,
        version=conflict.version,
        times_received=agreement.times_received,
        push_id=push.pk,
    )
    return f"status: {conflict.status_id} != {agreement.site_status}"


def _can_include_status(client: SiteClient, order: Order, unsent: Mapping[str, Any]) -> bool:
    """Return whether the status may be sent in one request with the other fields."""
    return STATUS in unsent and len(unsent) > 1 and bool(order.status.bitrix_code) and client.takes_status_along()


def _unanswered(
    agreement: Agreement, batch: tuple[str, ...], ours: Mapping[str, Any], *, may_send_status: bool
) -> tuple[str, ...] | None:
    """Return the fields of an earlier request that got no response and must be repeated, or None.

    It is repeated if it shares fields with `batch`, its values are still current, and it contains no status that may
    not be sent now. No other fields are sent with it, because the site recognizes only an identical request.
    """
    earlier = agreement.unanswered
    if earlier is None or earlier.values.keys().isdisjoint(batch) or (not may_send_status and STATUS in earlier.values):
        return None
    return tuple(earlier.values) if all(ours[name] == value for name, value in earlier.values.items()) else None


def _update(
    client: SiteClient,
    push: Push,
    order: Order,
    agreement: Agreement,
    unsent: Mapping[str, Any],
    exchange: Exchange,
) -> None:
    items = order.items.all() if not unsent.keys().isdisjoint({ITEMS, "total_amount"}) else ()
    pay_systems = sendable_systems() if "payment_method" in unsent else {}
    request = update_request(order, unsent, items, pay_systems=pay_systems, expected_status_id=agreement.site_status)
    started = services.start_request(order_id=order.pk, values=unsent)
    if started is None:
        return
    _store_request(push, {"action": "order.update", "order_id": order.bitrix_order_id, **request})
    try:
        updated = client.update_order(order.bitrix_order_id or 0, request, event_id=started.key)
    except StatusConflictError as conflict:
        # The site has changed nothing, so the other fields are sent again without the status.
        services.end_request(order_id=order.pk)
        exchange.done.append(_record_conflict(push, order, agreement, conflict))
        return
    except PermanentDeliveryError:
        services.end_request(order_id=order.pk)
        raise
    # If the request was repeated, webhooks that arrived after the first request may already report later changes.
    times_received = started.times_received if updated.is_repetition else agreement.times_received
    site_status = order.status.bitrix_code if STATUS in unsent else None
    _record(push, order, unsent, updated, times_received=times_received, site_status=site_status)
    exchange.add_refusals(updated.response, unsent)
    exchange.done.append(f"order.update: {', '.join(sorted(unsent.keys() - updated.response.refused.keys()))}")


def _record(
    push: Push,
    order: Order,
    values: Mapping[str, Any],
    updated: Updated,
    *,
    times_received: int,
    site_status: str | None,
) -> None:
    services.record_accepted(
        order_id=order.pk,
        values=values,
        site_status=site_status,
        version=updated.version,
        times_received=times_received,
        push_id=push.pk,
        response=updated.response,
    )


def _record_value_refused(
    push: Push, order: Order, sent: Mapping[str, Any], refusal: PermanentDeliveryError, exchange: Exchange
) -> None:
    """Record that the site can't store the only value of the request."""
    (name,) = sent
    exchange.values_refused[name] = refusal
    services.record_value_refused(
        order_id=order.pk,
        values=sent,
        refusal=FieldRefusal(refusal.code, refusal.message, is_of_value=True),
        push_id=push.pk,
    )


def _store_request(push: Push, request: dict[str, Any]) -> None:
    push.request = json.loads(json.dumps(request))
    push.save(update_fields=["request", "updated_at"])


def register() -> None:
    """Register the deliverer of pushes."""
    register_deliverer(
        Push._meta.label,
        Deliverer(
            deliver, after_delivery=after_delivery, after_failure=after_failure, after_cancellation=after_cancellation
        ),
    )


def after_delivery(push: Push) -> datetime | None:
    """Return when the remaining changes are to be sent, or None if no changes remain.

    Changes made during the delivery are sent at once, a held status at the end of its hold period. The caller has
    locked the order.
    """
    order = Order.objects.get(pk=push.order_id)
    if order.has_left_site or not unsent_fields(order):
        return None
    return earliest_delivery(order) or timezone.now()


def after_failure(push: Push, failure: DeliveryError) -> None:
    """Record in the order why the site does not have the changes. `ValuesRefusedError` is already recorded there."""
    if isinstance(failure, ValuesRefusedError):
        return
    reason = Reason.NONE
    if isinstance(failure, OrderNotFoundError):
        reason = Reason.ORDER_GONE
    elif isinstance(failure, TemporaryDeliveryError):
        reason = Reason.GAVE_UP
    services.record_refused(order_id=push.order_id, push_id=push.pk, reason=reason, message=failure.message)


def after_cancellation(push: Push, reason: str) -> None:
    """Record in the order that the site does not have the changes because staff cancelled the push."""
    order = Order.objects.get(pk=push.order_id)
    if order.sync_state == SyncState.PENDING:
        services.record_refused(
            order_id=order.pk, push_id=push.pk, reason=Reason.STOPPED_BY_HAND, message=truncate_masked(reason)
        )
