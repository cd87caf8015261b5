"""Services that set the responsible florist and the courier of an order, and the mark that the courier is notified.

The site does not have these fields, so they are not sent.
"""

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User, display_name
from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError
from orders.models import Courier, Order, Source
from orders.services.changes import edit_order
from orders.services.locking import lock_order
from orders.services.timeline import write_event
from orders.timeline_payloads import CourierNotified, FieldsChanged


@transaction.atomic
def release_order(*, order_id: UUID, actor: User, source: Source = Source.ADMIN) -> Order:
    """Remove the actor as the florist of an order. An order without a florist is not changed.

    A bouquet that is not ready is no longer taken.

    Raise `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if the order has a different florist.
    """
    order = lock_order(order_id)
    if order.responsible_id not in (None, actor.pk):
        raise NotAllowedError(gettext("The order is assigned to %(name)s.") % {"name": display_name(order.responsible)})
    return edit_order(order_id=order_id, changes={"responsible": None}, actor=actor, source=source)


@transaction.atomic
def assign_florist(
    *,
    order_id: UUID,
    florist: User | None,
    actor: User | None,
    seen: int | str | None = "",
    source: Source = Source.ADMIN,
) -> Order:
    """Assign an order to a member of staff in place of its present florist, or remove the florist if `florist` is None.

    The order is not taken by that: the new florist takes it when the making begins (`orders.services.making`).

    `seen` is the primary key of the florist that the actor's page showed, None if it showed no florist, or an empty
    string to skip this check. Raise `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if `florist`
    is not an active member of staff, or if the present florist is not `seen`.
    """
    order = lock_order(order_id)
    if order.responsible_id == (florist.pk if florist else None):
        return order
    if seen != "" and order.responsible_id != seen:
        now = display_name(order.responsible) or gettext("no one")
        raise NotAllowedError(gettext("Another user has just changed the florist: it is %(name)s now.") % {"name": now})
    if florist is not None and not (florist.is_active and florist.is_staff):
        raise NotAllowedError(gettext("%(name)s does not work here any more.") % {"name": display_name(florist)})
    return edit_order(order_id=order_id, changes={"responsible": florist}, actor=actor, source=source)


@transaction.atomic
def assign_courier(
    *,
    order_id: UUID,
    courier: Courier | None,
    actor: User | None,
    seen: UUID | str | None = "",
    source: Source = Source.ADMIN,
) -> Order:
    """Assign a courier to the order, or remove the courier if `courier` is None.

    A new courier is marked as not notified (`edit_order`). `seen` is the primary key of the courier that the actor's
    page showed, None if it showed no courier, or an empty string to skip this check. Raise `Order.DoesNotExist` if
    there is no such order, and `NotAllowedError` if the courier is not active, if the order is a pickup, or if the
    present courier is not `seen`.
    """
    order = lock_order(order_id)
    if order.courier_id == (courier.pk if courier else None):
        return order
    present = order.courier.name if order.courier else ""
    if reason := reason_not_to_assign(order, courier, present, seen):
        raise NotAllowedError(reason)
    return edit_order(order_id=order_id, changes={"courier": courier}, actor=actor, source=source)


def reason_not_to_assign(order: Order, courier: Courier | None, present: str, seen: UUID | str | None = "") -> str:
    """Return why the order can't be assigned to the courier, or an empty string if it can.

    `present` is the name of the order's present courier, and `seen` has the same meaning as in `assign_courier`.
    """
    if seen != "" and order.courier_id != seen:
        now = present or gettext("no one")
        return gettext("Another user has just changed the courier: it is %(name)s now.") % {"name": now}
    if courier is not None and not courier.is_active:
        return gettext("%(name)s does not work here any more.") % {"name": courier.name}
    if courier is not None and order.is_pickup:
        return gettext("It is picked up: no courier is needed.")
    return ""


def mark_courier_notified(*, order_id: UUID, actor: User | None, source: Source = Source.ADMIN) -> Order:
    """Mark the courier as notified now. An order whose courier is already notified is not changed.

    Raise `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if the order has no courier.
    """
    return _set_notified(order_id, is_notified=True, actor=actor, source=source)


def unmark_courier_notified(*, order_id: UUID, actor: User | None, source: Source = Source.ADMIN) -> Order:
    """Remove the mark that the courier is notified. Raise `Order.DoesNotExist` if there is no such order."""
    return _set_notified(order_id, is_notified=False, actor=actor, source=source)


@transaction.atomic
def _set_notified(order_id: UUID, *, is_notified: bool, actor: User | None, source: Source) -> Order:
    order = lock_order(order_id)
    if (order.courier_notified_at is not None) == is_notified:
        return order
    courier = order.courier
    if is_notified and courier is None:
        raise NotAllowedError(gettext("The order has no courier to notify."))
    name = courier.name if courier else ""
    before = order.courier_notified_at
    order.courier_notified_at = timezone.now() if is_notified else None
    order.save(update_fields=["courier_notified_at", "updated_at"])
    event = write_event(
        order=order,
        payload=CourierNotified(courier=name) if is_notified else FieldsChanged(courier=name),
        source=source,
        actor=actor,
        changes=[
            {
                "field": "courier_notified_at",
                "old": before.isoformat() if before else None,
                "new": order.courier_notified_at.isoformat() if order.courier_notified_at else None,
            }
        ],
    )
    publish(OrderChange(order, event))
    return order
