"""The load of the delivery slots: their deliveries, compared with what the shop can deliver in a day.

A table takes one query for the orders, and one for the slots.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from orders.models import DeliverySlot, Order
from orders.reports.dimensions import DAY, SLOT, row_parameter
from orders.reports.period import Period
from orders.reports.planning import planned_for
from orders.reports.populations import TO_DELIVER, is_to_deliver
from orders.reports.reading import MOST_EMPTY_DAYS, OwnTable
from orders.reports.scope import Basis, Scope
from orders.reports.tables import Column, Kind, Row, Table, ratio, values_of

_ORDERS = Column("orders", _("Deliveries"), Kind.COUNT, lambda sums: sums["orders"])
_LIMITED = Column("limited", _("in limited slots"), Kind.COUNT, lambda sums: sums["limited"])
_CAPACITY = Column("capacity", _("Capacity"), Kind.COUNT, lambda sums: sums["capacity"])
_SHARE = Column("share", _("Load"), Kind.SHARE, lambda sums: ratio(sums["limited"], sums["capacity"]))
_SLOT_COLUMNS = (
    _ORDERS,
    _CAPACITY,
    _SHARE,
    Column("most", _("On the fullest day"), Kind.COUNT, lambda sums: sums["most"]),
    Column("over", _("Days above the capacity"), Kind.COUNT, lambda sums: sums["over"]),
)
_DAY_COLUMNS = (
    _ORDERS,
    _LIMITED,
    _CAPACITY,
    _SHARE,
    Column("over", _("Slots above the capacity"), Kind.COUNT, lambda sums: sums["over"]),
)


@dataclass(frozen=True, slots=True)
class _Load:
    """The number of deliveries by day and slot, and the slots by their keys."""

    scope: Scope
    orders: Mapping[tuple[date, str | None], int]
    slots: Mapping[str, DeliverySlot]

    def capacity(self, slot: str | None) -> int | None:
        """Return how many orders a slot has in a day at most, or None if it is not limited."""
        return self.slots[slot].daily_capacity if slot is not None else None

    def sums(self, found: Mapping[tuple[date, str | None], int], capacity: int | None) -> dict[str, Any]:
        """Return the values of these groups of orders."""
        limits = {group: limit for group in found if (limit := self.capacity(group[1])) is not None}
        return {
            "orders": sum(found.values()),
            "limited": sum(found[group] for group in limits),
            "capacity": capacity,
            "most": max(found.values(), default=0),
            "over": sum(found[group] > limit for group, limit in limits.items()),
        }

    def total(self, days: int) -> int | None:
        """Return the capacity of the slots in use for so many days, or None if none of them is limited."""
        limits = [one.daily_capacity for one in self.slots.values() if one.daily_capacity is not None]
        return days * sum(limits) if limits else None

    def totals(self) -> dict[str, Any]:
        """Return the values of all orders. The fullest day is that of one slot, so it has no total."""
        return self.sums(self.orders, self.total(self.scope.period.days)) | {"most": None}

    def link(self, period: Period) -> dict[str, str]:
        """Return the parameters of the order list with the deliveries of these days."""
        return self.scope.list_parameters(period) | {"counted": TO_DELIVER.key}


def _read(scope: Scope) -> _Load:
    scope = replace(scope, basis=Basis.DELIVERY)
    groups = (
        Order.objects.filter(scope.condition(scope.period), is_to_deliver())
        .order_by()
        .values_list("delivery_date", "delivery_slot")
        .annotate(orders=Count("pk"))
    )
    with planned_for(scope.period):
        found = {(day, slot): count for day, slot, count in groups}
    used = {slot for _day, slot in found}
    slots = {one.bitrix_id: one for one in DeliverySlot.objects.all() if one.is_active or one.bitrix_id in used}
    return _Load(scope, found, slots)


def _table(key: str, scope: Scope) -> Table:
    load = _read(scope)
    label = LABELS[key]
    columns = _SLOT_COLUMNS if key == BY_SLOT else _DAY_COLUMNS
    made = (_slot_rows if key == BY_SLOT else _day_rows)(load, columns) if load.orders else []
    return Table(str(label), columns, tuple(made), values_of(columns, load.totals()))


def _slot_rows(load: _Load, columns: tuple[Column, ...]) -> list[Row]:
    groups: dict[str | None, dict[tuple[date, str | None], int]] = defaultdict(dict)
    for (day, slot), count in load.orders.items():
        groups[slot][day, slot] = count
    period = load.scope.period
    keys: list[str | None] = [key for key, one in load.slots.items() if key in groups or one.daily_capacity is not None]
    rows = []
    for key in [*keys, *([None] if None in groups else [])]:
        limit = load.capacity(key)
        sums = load.sums(groups.get(key, {}), None if limit is None else limit * period.days)
        link = load.link(period) | row_parameter(SLOT, Basis.DELIVERY, key)
        name = str(SLOT.unknown) if key is None else load.slots[key].name
        rows.append(Row(key, name, values_of(columns, sums), link))
    return rows


def _day_rows(load: _Load, columns: tuple[Column, ...]) -> list[Row]:
    groups: dict[date, dict[tuple[date, str | None], int]] = defaultdict(dict)
    for (day, slot), count in load.orders.items():
        groups[day][day, slot] = count
    period = load.scope.period
    days = period.each_day() if period.days <= MOST_EMPTY_DAYS else sorted(groups)
    return [
        Row(day, DAY.name(day), values_of(columns, load.sums(groups.get(day, {}), load.total(1))),
            load.link(Period(day, day)))
        for day in days
    ]  # fmt: skip


BY_SLOT, BY_DAY = "load", "load_day"
LABELS = {BY_SLOT: _("load by interval"), BY_DAY: _("load by day")}
LOAD_BY_SLOT = OwnTable(BY_SLOT, LABELS[BY_SLOT], _SLOT_COLUMNS, partial(_table, BY_SLOT), ("orders", "capacity"))
LOAD_BY_DAY = OwnTable(
    BY_DAY, LABELS[BY_DAY], _DAY_COLUMNS, partial(_table, BY_DAY), ("limited", "capacity"), is_sequence=True
)
