"""Services that set the sequence of the stops of a courier's route.

The sequence concerns the courier's day and not a single order, so it has no timeline entries. The site does not have
it, so nothing is sent.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from orders.exceptions import NotAllowedError
from orders.models import Order
from orders.rules.lateness import is_open
from orders.rules.route import in_route_order


@transaction.atomic
def set_route(*, courier_id: UUID, day: date, order_ids: Sequence[UUID]) -> list[Order]:
    """Set the sequence of all stops of a courier on a day, and return the stops.

    Raise `NotAllowedError` if `order_ids` are not exactly the stops that the courier has now.
    """
    stops = {order.pk: order for order in _stops(courier_id, day)}
    if len(order_ids) != len(stops) or set(order_ids) != stops.keys():
        raise NotAllowedError(gettext("The courier's stops have just changed. Look at the route again."))
    route = [stops[key] for key in order_ids]
    _number(route)
    return route


@transaction.atomic
def move_stops(*, order_ids: Collection[UUID], seen: Collection[UUID | None], day: date, step: int) -> list[Order]:
    """Move stops of one courier by one place in the route: `step` is -1 or 1. Return the route.

    Stops at the first or the last place stay. `seen` are the couriers whom the page showed. Raise `NotAllowedError` if
    they are several or no one, or if the courier does not have all of these stops any more.
    """
    couriers = set(seen)
    if len(couriers) != 1 or (courier_id := couriers.pop()) is None:
        raise NotAllowedError(gettext("Select the stops of one courier."))
    route = _stops(courier_id, day)
    moved = set(order_ids)
    if not moved <= {order.pk for order in route}:
        raise NotAllowedError(gettext("The courier's stops have just changed. Look at the route again."))
    places = range(len(route)) if step < 0 else range(len(route) - 1, -1, -1)
    for place in places:
        other = place + step
        if route[place].pk in moved and 0 <= other < len(route) and route[other].pk not in moved:
            route[place], route[other] = route[other], route[place]
    _number(route)
    return route


@transaction.atomic
def reset_route(*, courier_id: UUID, day: date) -> list[Order]:
    """Clear the sequence of the stops of a courier on a day, so that they follow by their delivery slots."""
    stops = _stops(courier_id, day)
    _save(stops, dict.fromkeys(order.pk for order in stops))
    return in_route_order(stops)


def insert_stops(*, courier_id: UUID, stops: Iterable[Order], before: UUID) -> None:
    """Put stops of a courier before another stop of the same day. Nothing changes if there is no such stop.

    The caller has locked the stops in the transaction.
    """
    moved = {order.pk for order in stops}
    days = {order.delivery_date for order in stops}
    if len(days) != 1 or before in moved or (day := days.pop()) is None:
        return
    route = _stops(courier_id, day)
    rest = [order for order in route if order.pk not in moved]
    place = next((index for index, order in enumerate(rest) if order.pk == before), None)
    if place is not None:
        _number([*rest[:place], *(order for order in route if order.pk in moved), *rest[place:]])


def lock_route(*, courier_id: UUID | None, stop: UUID, others: Iterable[UUID]) -> None:
    """Lock all orders that a courier has on the day of this stop, together with other orders."""
    day = Order.objects.filter(pk=stop).values("delivery_date")
    list(lock_stops(Q(courier_id=courier_id, delivery_date__in=day) | Q(pk__in=list(others))))


def lock_stops(*conditions: Q, **lookups: Any) -> QuerySet[Order]:
    """Return a query that locks these orders until the end of the transaction, without their long columns."""
    # The query has no joins (see `lock_order`). All transactions lock orders sorted by id, so they can't deadlock.
    found = Order.objects.select_for_update(no_key=True).filter(*conditions, **lookups)
    return found.order_by("pk").defer("search", "metadata", "bitrix_state")


def _stops(courier_id: UUID, day: date) -> list[Order]:
    """Return the open stops of the courier on this day in their present sequence, locked."""
    keys = [order.pk for order in lock_stops(courier_id=courier_id, delivery_date=day, is_pickup=False)]
    found = Order.objects.filter(pk__in=keys).select_related("status", "delivery_slot")
    return in_route_order(order for order in found.defer("search", "metadata", "bitrix_state") if is_open(order))


def _number(route: Sequence[Order]) -> None:
    _save(route, {order.pk: position for position, order in enumerate(route, start=1)})


def _save(stops: Iterable[Order], positions: dict[UUID, int | None] | dict[UUID, int]) -> None:
    changed = []
    for order in stops:
        if order.route_position != (position := positions[order.pk]):
            order.route_position = position
            order.updated_at = timezone.now()  # `bulk_update` does not set it
            changed.append(order)
    if changed:
        Order.objects.bulk_update(changed, ["route_position", "updated_at"])
