"""The rule that sorts the stops of a courier's route. Pages, printed sheets and messages use only this rule."""

from collections.abc import Iterable
from datetime import date, time

from orders.models import Order

IntervalKey = tuple[date, bool, time, bool, time, str]


def interval_key(order: Order) -> IntervalKey:
    """Return the key that sorts orders by their delivery date and slot. An order without a slot comes last."""
    slot = order.delivery_slot
    starts = slot.starts_at if slot else None
    ends = slot.ends_at if slot else None
    # A slot that ends at midnight or later comes last.
    is_late = ends is None or (starts is not None and ends < starts)
    return (
        order.delivery_date or date.max,
        is_late,
        ends or time.max,
        starts is None,
        starts or time.max,
        order.order_number,
    )


def in_route_order(stops: Iterable[Order]) -> list[Order]:
    """Return the stops of one courier and one day in the sequence in which the courier visits them.

    Stops to which the dispatcher has given a place come first. The others follow by their delivery slots.
    """
    return sorted(stops, key=_key)


def _key(order: Order) -> tuple[bool, int, IntervalKey]:
    return order.route_position is None, order.route_position or 0, interval_key(order)
