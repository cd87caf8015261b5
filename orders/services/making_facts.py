"""Functions that set the facts of the making on a locked order. The caller saves the order and writes the timeline."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from orders.models import Order, Stage, Status
from orders.rules.making import Making, after_status, making_of
from orders.sync.fields import MAKING_FACTS

Changes = list[dict[str, Any]]


def set_making(order: Order, making: Making) -> Changes:
    """Set the facts, and return the changes for the timeline."""
    if making == making_of(order):
        return []
    before = _values(order)
    order.taken_by_id, order.taken_at = making.taken_by, making.taken_at
    order.ready_by_id, order.ready_at = making.ready_by, making.ready_at
    after = _values(order)
    return [{"field": name, "old": before[name], "new": after[name]} for name in after if before[name] != after[name]]


def statuses_with(codes: Collection[str]) -> Mapping[str, Status]:
    """Return the statuses with these codes, with one query."""
    return {status.code: status for status in Status.objects.filter(code__in=codes)}


def follow_status(
    order: Order,
    old: str,
    *,
    at: datetime,
    by: int | None = None,
    stage: str = "",
    read_statuses: Callable[[Collection[str]], Mapping[str, Status]] = statuses_with,
) -> Changes:
    """Set the facts that the order's status implies after a change from the status `old` (its code).

    `by` is the primary key of the user who has set the status, or None for the site. Return the changes for the
    timeline. The statuses are not read if `stage`, the stage of the new status, shows that there is nothing to set.
    """
    if stage not in ("", Stage.MAKING, Stage.READY) and order.ready_at is None:
        return []
    statuses = read_statuses((old, order.status_id))
    new = statuses.get(order.status_id)
    if new is None:
        return []
    making = after_status(making_of(order), statuses.get(old), new, at=at, florist=order.responsible_id, by=by)
    return set_making(order, making)


def _values(order: Order) -> dict[str, Any]:
    """Return the facts as the timeline stores them: usernames, and moments in ISO 8601."""
    values: dict[str, Any] = {}
    for name in MAKING_FACTS:
        value = getattr(order, name)
        values[name] = None if value is None else value.isoformat() if name.endswith("_at") else value.get_username()
    return values
