"""The data of the dispatcher's page: the day's deliveries without a courier, and the couriers with their stops.

The data is computed from the orders of the day with two queries. `orders.admin.dispatch` renders it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Extract, Left
from django.utils import timezone

from orders.models import Courier, Order, OrderNote, Stage
from orders.presentation.addresses import split_address
from orders.presentation.when import slot_text
from orders.rules.lateness import due_at, is_open, starts_at
from orders.rules.payment import Dues, dues_of
from orders.rules.route import in_route_order, interval_key
from orders.values.districts import LONGEST

NAME_LENGTH = 60
COMMENT_LENGTH = 80
PROBLEM_LENGTH = 80
_COLUMNS_READ = (
    "order_number", "delivery_date", "is_cancelled", "is_deleted_on_site", "is_pickup", "is_anonymous", "is_surprise",
    "unknown_values", "taken_at", "ready_at", "courier_id", "courier_notified_at", "route_position", "responsible_id",
    "total_amount", "paid_amount", "currency", "payment_method", "payment_status",
    "status__code", "status__name", "status__stage", "city__name", "pay_system__name",
    "delivery_slot__bitrix_id", "delivery_slot__name", "delivery_slot__starts_at", "delivery_slot__ends_at",
)  # fmt: skip
_SHORTENED = {
    "delivery_address": LONGEST,
    "recipient_name": NAME_LENGTH,
    "courier_comment": COMMENT_LENGTH,
    "comment": COMMENT_LENGTH,
    "problem": PROBLEM_LENGTH,
}
"""The long columns of which only the beginning is read, with the number of characters."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Orders of one district with the same delivery slot."""

    slot: str
    """The slot as a text, or an empty string if it is not known."""
    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class District:
    """Orders of one part of one town that have no courier."""

    city: str
    name: str
    """The name, or an empty string if the address names no district."""
    has_address: bool
    intervals: tuple[Interval, ...]

    @property
    def count(self) -> int:
        """Return the number of orders."""
        return sum(len(interval.orders) for interval in self.intervals)


@dataclass(frozen=True, slots=True)
class SlotLoad:
    """The number of stops that a courier has in one delivery slot."""

    slot: str
    count: int
    is_over: bool
    """Whether the stops are more than a courier delivers in this time, by `DELIVERIES_PER_COURIER_HOUR`."""


@dataclass(frozen=True, slots=True)
class CourierDay:
    """A courier with the stops of one day, in the sequence of the route."""

    courier: Courier
    stops: tuple[Order, ...]
    done: int
    """The number of orders that the courier has delivered on this day."""
    dues: Dues
    """What the courier collects at the stops."""
    delivered_dues: Dues
    """What was due for the delivered orders and is not recorded as paid."""
    loads: tuple[SlotLoad, ...]

    @property
    def has_sequence(self) -> bool:
        """Return whether the dispatcher has given any stop a place in the route."""
        return any(order.route_position is not None for order in self.stops)


@dataclass(frozen=True, slots=True)
class DispatchDay:
    """The deliveries of a day."""

    day: date
    districts: tuple[District, ...]
    couriers: tuple[CourierDay, ...]

    @property
    def free(self) -> int:
        """Return the number of orders without a courier."""
        return sum(district.count for district in self.districts)


def dispatch_day(day: date) -> DispatchDay:
    """Return the deliveries of a day, with two queries for any number of orders and couriers.

    Couriers who do not work any more are included if they have stops.
    """
    orders = _deliveries(day)
    stops = [order for order in orders if is_open(order)]
    done = [order for order in orders if order.courier_id and order.status.stage == Stage.DONE and not _is_off(order)]
    theirs = {order.courier_id for order in stops if order.courier_id}
    couriers = Courier.objects.filter(Q(is_active=True) | Q(pk__in=theirs)).order_by("-is_active", "name", "id")
    return DispatchDay(
        day,
        tuple(_districts([order for order in stops if order.courier_id is None])),
        tuple(_courier_day(courier, stops, done) for courier in couriers),
    )


def free_districts(day: date) -> list[District]:
    """Return the deliveries of a day that have no courier, with one query."""
    return list(_districts([order for order in _deliveries(day, Q(courier=None)) if is_open(order)]))


def day_version(day: date, now: datetime | None = None) -> str:
    """Return a string that differs after each change of a day's orders, notes and couriers, and in each minute.

    Make three queries.
    """
    of_orders = _version(Order.objects.filter(delivery_date=day))
    notes = OrderNote.objects.filter(order__delivery_date=day).count()
    return f"{of_orders}-{notes}-{_version(Courier.objects.all())}-{now or timezone.now():%d%H%M}"


def courier_stops(courier_id: UUID, day: date) -> list[UUID]:
    """Return the primary keys of a courier's orders of a day."""
    found = Order.objects.filter(courier_id=courier_id, delivery_date=day, is_pickup=False)
    return list(found.order_by().values_list("pk", flat=True))


def _version(rows: QuerySet[Order] | QuerySet[Courier]) -> str:
    # Transactions may end in another sequence than their moments, so the latest moment alone is not enough.
    found = rows.order_by().aggregate(n=Count("pk"), last=Max("updated_at"), all=Sum(Extract("updated_at", "epoch")))
    return f"{found['n']}-{found['last'].timestamp() if found['last'] else 0}-{found['all'] or 0}"


def _deliveries(day: date, condition: Q | None = None) -> Sequence[Order]:
    found = list(
        Order.objects.filter(condition or Q(), delivery_date=day, is_pickup=False)
        .exclude(status__stage=Stage.CANCELLED)
        .select_related("status", "delivery_slot", "city", "pay_system")
        .only(*_COLUMNS_READ)
        .annotate(**{f"{name}_start": Left(name, length) for name, length in _SHORTENED.items()})
        .annotate(has_notes=Exists(OrderNote.objects.filter(order=OuterRef("pk"))))
        .order_by("created_at", "id")
    )
    for order in found:
        for name in _SHORTENED:
            setattr(order, name, getattr(order, f"{name}_start"))
    return found


def _is_off(order: Order) -> bool:
    return order.is_cancelled or order.is_deleted_on_site


def _districts(orders: Iterable[Order]) -> Iterator[District]:
    """Yield the districts, those with the earliest delivery first, and then the orders whose place is not known."""
    groups: dict[tuple[bool, str, str], list[Order]] = {}
    names: dict[tuple[bool, str, str], tuple[str, str]] = {}
    for order in orders:
        name, _rest = split_address(order.delivery_address)
        city = order.city.name if order.city else ""
        key = (bool(order.delivery_address.strip()), city.casefold(), name.casefold())
        names.setdefault(key, (city, name))
        groups.setdefault(key, []).append(order)
    found = [(key, sorted(group, key=interval_key)) for key, group in groups.items()]
    for key, group in sorted(found, key=lambda pair: (not pair[0][0], not pair[0][2], interval_key(pair[1][0]))):
        city, name = names[key]
        yield District(city, name, key[0], tuple(_intervals(group)))


def _intervals(orders: Sequence[Order]) -> Iterator[Interval]:
    for slot, group in groupby(orders, key=slot_text):
        yield Interval(slot, tuple(group))


def _courier_day(courier: Courier, stops: Sequence[Order], done: Sequence[Order]) -> CourierDay:
    theirs = in_route_order(order for order in stops if order.courier_id == courier.pk)
    delivered = [order for order in done if order.courier_id == courier.pk]
    return CourierDay(
        courier, tuple(theirs), len(delivered), dues_of(theirs), dues_of(delivered), tuple(_loads(theirs))
    )


def _loads(stops: Sequence[Order]) -> Iterator[SlotLoad]:
    """Yield the number of stops in each slot, sorted by time."""
    rate = settings.DELIVERIES_PER_COURIER_HOUR
    by_time = sorted(stops, key=interval_key)
    for slot, group in groupby(by_time, key=slot_text):
        orders = list(group)
        hours = _hours(orders[0])
        yield SlotLoad(slot, len(orders), bool(rate and hours and len(orders) > rate * hours))


def _hours(order: Order) -> float:
    """Return the length of the order's delivery slot in hours, or 0 if it is not known."""
    starts, due = starts_at(order), due_at(order)
    if starts is None or due is None or order.delivery_slot is None or order.delivery_slot.ends_at is None:
        return 0
    return (due - starts) / timedelta(hours=1)
