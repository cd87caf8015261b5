"""Services that resolve a difference found by a comparison: send our values again, or apply a decision of staff."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError
from orders.models import Order, Reason, Source, Status, SyncState
from orders.services.inbound.fetches import changed_too_often
from orders.services.locking import lock_order, settle_sync_state
from orders.services.making_facts import follow_status
from orders.services.references import SiteIds, known_status, resolve
from orders.services.route_position import clear_position
from orders.services.timeline import changes_between, write_event
from orders.sync.agreement import Agreement
from orders.sync.fields import FIELDS, PUSHED, comparable, order_values, set_comparable
from orders.timeline_payloads import FieldsChanged, Noted, StatusChanged


@transaction.atomic
def send_again(
    *,
    order_id: UUID,
    theirs: Mapping[str, Any],
    actor: User | None = None,
    reason: Reason = Reason.COMPARED_SENT,
) -> bool:
    """Queue the pending changes of the order again after a failed or lost attempt. Return whether there are any.

    Values that the site could not store are sent again only if there is an `actor`. `theirs` contains the site's
    present values in comparable form, for the timeline.
    """
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    if actor is not None:
        agreement.refused.clear()
    settle_sync_state(order, agreement, list(order.items.all()), is_pending_change=True)
    if order.sync_state in (SyncState.SYNCED, SyncState.FAILED):
        return False
    order.bitrix_state = agreement.as_json()
    order.save(update_fields=["bitrix_state", "sync_state", "updated_at"])
    event = write_event(
        order=order,
        payload=Noted(site_values=theirs),
        source=Source.ADMIN if actor else Source.SYSTEM,
        actor=actor,
        reason=reason,
    )
    publish(OrderChange(order, event))
    return True


@transaction.atomic
def take_site_value(
    *,
    order_id: UUID,
    field: str,
    value: Any,
    times_received: int,
    actor: User | None,
    source: Source = Source.ADMIN,
) -> Order:
    """Replace our value of one field by the site's present value. The other fields are not changed.

    `value` has the form of values in `OrderSnapshot.fields` (for a status, it is the site's code). `times_received` is
    the value of `Agreement.times_received` before the site's value was fetched. Raise `Order.DoesNotExist` if there is
    no such order, and `NotAllowedError` if the site has reported the order since then, because `value` may be outdated.
    """
    order, agreement = _lock_unchanged(order_id, times_received)
    before = order_values(order, [field])
    theirs, columns = _settle(order, agreement, field, value)
    if field == "status":
        order.status = Status.objects.get(code=theirs)
        if order.status.is_final and order.completed_at is None:
            order.completed_at = timezone.now()
        if order.sync_state == SyncState.CONFLICT:
            order.sync_state = SyncState.PENDING  # the manager has decided
    else:
        set_comparable(order, field, theirs)
    changes = changes_between(before, order_values(order, [field]))
    if changes and field == "status":
        making = follow_status(order, before[field], at=timezone.now())
        changes += making
        columns |= {change["field"] for change in making}
    columns.update(clear_position(order, [change["field"] for change in changes]))
    _save(order, agreement, {*columns, FIELDS[field].attribute.removesuffix("_id")})
    if changes:
        event = write_event(
            order=order,
            payload=StatusChanged() if field == "status" else FieldsChanged(),
            source=source,
            actor=actor,
            changes=changes,
            reason=Reason.COMPARED_TAKEN,
        )
        publish(OrderChange(order, event))
    return order


@transaction.atomic
def keep_ours(
    *,
    order_id: UUID,
    field: str,
    value: Any,
    times_received: int,
    actor: User | None,
    source: Source = Source.ADMIN,
) -> Order:
    """Record the site's present value of one field, and send our value to replace it.

    The arguments and exceptions are the same as for `take_site_value`. Raise `NotAllowedError` also if the field can't
    be pushed.
    """
    if field not in PUSHED:
        raise NotAllowedError(
            gettext("This field can't be sent to the site: change it there, or take the site's value.")
        )
    order, agreement = _lock_unchanged(order_id, times_received)
    theirs, columns = _settle(order, agreement, field, value)
    if theirs == order_values(order, [field])[field]:
        _save(order, agreement, columns)
        return order
    _save(order, agreement, columns)
    event = write_event(
        order=order,
        payload=Noted(site_values={field: theirs}),
        source=source,
        actor=actor,
        reason=Reason.COMPARED_KEPT,
    )
    publish(OrderChange(order, event))
    return order


def _lock_unchanged(order_id: UUID, times_received: int) -> tuple[Order, Agreement]:
    order = lock_order(order_id)
    agreement = Agreement.from_json(order.bitrix_state)
    if agreement.times_received != times_received:
        raise changed_too_often()
    return order, agreement


def _settle(order: Order, agreement: Agreement, field: str, value: Any) -> tuple[Any, set[str]]:
    """Record the site's present value of a field as agreed. Return its comparable form, and the columns to save."""
    if field == "status":
        code = known_status(value, agreement) or resolve(SiteIds(status=value)).status
        agreement.site_status, value = value, code
    theirs = comparable(value)
    agreement.settle({field: theirs})
    agreement.sent.pop(field, None)  # the site's value was fetched after our value was sent
    agreement.times_received += 1
    order.bitrix_state = agreement.as_json()
    return theirs, {"completed_at"} if field == "status" else set()


def _save(order: Order, agreement: Agreement, columns: set[str]) -> None:
    settle_sync_state(order, agreement, list(order.items.all()), is_pending_change=True)
    order.save(update_fields=[*columns, "bitrix_state", "sync_state", "updated_at"])
