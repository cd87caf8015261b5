"""Who works on an order: the florist who has taken it, the courier who delivers it, and whether he has been told.

The site knows nothing of this, and is told nothing.
"""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import display_name
from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError
from orders.models import Courier, Order, Source
from orders.rules.lateness import is_open
from orders.services.changes import edit_order
from orders.services.locking import lock_order
from orders.services.timeline import write_event
from orders.timeline_payloads import CourierNotified, FieldsChanged


@transaction.atomic
def take_order(*, order_id: UUID, actor: User, source: Source = Source.ADMIN) -> Order:
    """Make an order that nobody has the actor's; one that he has already stays so.

    Raises `Order.DoesNotExist`, and `NotAllowedError` when it is closed or somebody else has it: of two who take it at
    once, one gets it.
    """
    order = lock_order(order_id)
    if order.responsible_id not in (None, actor.pk):
        raise NotAllowedError(gettext("Taken already by %(name)s.") % {"name": display_name(order.responsible)})
    if not is_open(order):
        raise NotAllowedError(gettext("The order is closed: there is nothing left to do."))
    return edit_order(order_id=order_id, changes={"responsible": actor}, actor=actor, source=source)


@transaction.atomic
def release_order(*, order_id: UUID, actor: User, source: Source = Source.ADMIN) -> Order:
    """Give the actor's order back to everybody; one that nobody has stays so.

    Raises `Order.DoesNotExist`, and `NotAllowedError` when it is somebody else's.
    """
    order = lock_order(order_id)
    if order.responsible_id not in (None, actor.pk):
        raise NotAllowedError(gettext("It is with %(name)s.") % {"name": display_name(order.responsible)})
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
    """Give an order to a member of staff, whoever has it now; None gives it back to everybody.

    `seen` is the key of the florist, None for nobody, whom the person saw there; an empty text when that does not
    matter. Raises `Order.DoesNotExist`, and `NotAllowedError` for somebody who does not work here, and when somebody
    else has the order since.
    """
    order = lock_order(order_id)
    if order.responsible_id == (florist.pk if florist else None):
        return order
    if seen != "" and order.responsible_id != seen:
        now = display_name(order.responsible) or gettext("nobody")
        raise NotAllowedError(
            gettext("Somebody else has changed the florist meanwhile: it is %(name)s now.") % {"name": now}
        )
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
    """Have a courier deliver the order, or nobody yet. A new one has not been told (`edit_order` sees to that).

    `seen` is the key of the courier, None for nobody, whom the person saw there; an empty text when that does not
    matter. Raises `Order.DoesNotExist`, and `NotAllowedError` for a courier who does not work here, for an order that
    is picked up, and when somebody has put another courier there since.
    """
    order = lock_order(order_id)
    wanted = courier.pk if courier else None
    if order.courier_id == wanted:
        return order
    if seen != "" and order.courier_id != seen:
        now = order.courier.name if order.courier else gettext("nobody")
        raise NotAllowedError(
            gettext("Somebody else has changed the courier meanwhile: it is %(name)s now.") % {"name": now}
        )
    if courier is not None and not courier.is_active:
        raise NotAllowedError(gettext("%(name)s does not work here any more.") % {"name": courier.name})
    if courier is not None and order.is_pickup:
        raise NotAllowedError(gettext("It is picked up: no courier is needed."))
    return edit_order(order_id=order_id, changes={"courier": courier}, actor=actor, source=source)


def mark_courier_notified(*, order_id: UUID, actor: User | None, source: Source = Source.ADMIN) -> Order:
    """Note that the courier knows of the order, and since when; a second time changes nothing.

    Raises `Order.DoesNotExist`, and `NotAllowedError` when there is no courier to tell.
    """
    return _set_notified(order_id, is_told=True, actor=actor, source=source)


def unmark_courier_notified(*, order_id: UUID, actor: User | None, source: Source = Source.ADMIN) -> Order:
    """Note that the courier does not know of the order after all. Raises `Order.DoesNotExist`."""
    return _set_notified(order_id, is_told=False, actor=actor, source=source)


@transaction.atomic
def _set_notified(order_id: UUID, *, is_told: bool, actor: User | None, source: Source) -> Order:
    order = lock_order(order_id)
    if (order.courier_notified_at is not None) == is_told:
        return order
    courier = order.courier
    if is_told and courier is None:
        raise NotAllowedError(gettext("There is no courier yet: nobody to tell."))
    name = courier.name if courier else ""
    before = order.courier_notified_at
    order.courier_notified_at = timezone.now() if is_told else None
    order.save(update_fields=["courier_notified_at", "updated_at"])
    event = write_event(
        order=order,
        payload=CourierNotified(courier=name) if is_told else FieldsChanged(courier=name),
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
