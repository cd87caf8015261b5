"""Clear the place of an order in a courier's route."""

from collections.abc import Collection

from orders.models import Order

_BELONGS_TO = frozenset({"courier", "delivery_date"})


def clear_position(order: Order, changed: Collection[str]) -> list[str]:
    """Clear the order's place in the route if its courier or its delivery date has changed.

    `changed` are the names of the changed fields. Return the columns to save.
    """
    if order.route_position is None or _BELONGS_TO.isdisjoint(changed):
        return []
    order.route_position = None
    return ["route_position"]
