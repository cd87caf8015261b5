"""The data of the day board: deliveries by hour and stage, the load of florists and couriers, orders at risk.

The data is computed from the orders of the day with two queries. `orders.admin.board` renders it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from orders.models import Order, OrderItem, Stage
from orders.presentation.payment import unknown_text
from orders.presentation.when import status_text, unknown_date
from orders.rules.lateness import CLOSED_STAGES, Lateness, due_at, lateness, lateness_words, starts_at
from orders.rules.making import work_stage
from orders.selectors.presets import NEXT_HOURS

MOST_BOUQUETS = 5
"""The maximum quantity of an item that is counted as that many bouquets. A higher quantity is the number of flowers in
one bouquet."""
TO_MAKE = (Stage.NEW, Stage.ACCEPTED, Stage.MAKING, Stage.WAITING)
TO_DELIVER = (*TO_MAKE, Stage.READY, Stage.DELIVERING)
LEAST_HOURS = 1 / 60
_COLUMNS_READ = (
    "order_number", "delivery_date", "is_cancelled", "is_deleted_on_site", "is_pickup", "problem",
    "unknown_values", "taken_at", "ready_at",
    "recipient_phone", "courier_id", "status__code", "status__name", "status__stage", "delivery_slot__bitrix_id",
    "delivery_slot__name", "delivery_slot__starts_at", "delivery_slot__ends_at", "customer__phone",
    "contact_phone",
    "taken_by_id", "responsible_id", "status__next_codes", "status__is_final",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the board: stages that are counted together, and the preset of the order list for them."""

    key: str
    label: str | Promise
    stages: tuple[Stage, ...]
    preset: str = ""
    is_small: bool = False
    """Whether the stages are rare and not a step of the work."""


COLUMNS = (
    Column("new", pgettext_lazy("orders", "New"), (Stage.NEW,), "new"),
    Column("making", pgettext_lazy("orders", "Accepted, being made"), (Stage.ACCEPTED, Stage.MAKING, Stage.WAITING)),
    Column("ready", pgettext_lazy("orders", "Ready"), (Stage.READY,), "ready"),
    Column("delivering", _("On their way"), (Stage.DELIVERING,), "on-way"),
    Column("done", pgettext_lazy("orders", "Done"), (Stage.DONE,)),
    Column("problem", _("Problem"), (Stage.PROBLEM,), "problems", is_small=True),
    Column("cancelled", pgettext_lazy("orders", "Cancelled"), (Stage.CANCELLED,), is_small=True),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """The number of orders in a column, for one row or for the whole day."""

    column: Column
    count: int


@dataclass(frozen=True, slots=True)
class Load:
    """The amount of work that an hour of the board needs, and the amount that staff can do in this hour."""

    need: int
    can: int

    @property
    def is_over(self) -> bool:
        """Return whether more work is needed than can be done."""
        return self.need > self.can

    @property
    def percent(self) -> int:
        """Return the length of the bar in per cent, at most 100."""
        return min(100, round(100 * self.need / self.can)) if self.can else 100 * (self.need > 0)


@dataclass(frozen=True, slots=True)
class HourRow:
    """The deliveries whose slots start in the same hour.

    `hour` is None in the row of orders without a time, and in the row that contains the past hours of today. Neither
    row has a load.
    """

    hour: int | None
    cells: tuple[Cell, ...]
    bouquets: Load | None
    """None if the row has no load, or if the settings do not define how much the florists can do."""
    deliveries: Load | None
    is_now: bool = False
    is_earlier: bool = False

    @property
    def label(self) -> str:
        """Return the hour as `09:00`, or the label of a row without an hour."""
        if self.is_earlier:
            return gettext("earlier")
        return gettext("no time") if self.hour is None else f"{self.hour:02}:00"

    @property
    def key(self) -> str:
        """Return the key of the row. It is the same in each update of the page."""
        return "earlier" if self.is_earlier else f"{'none' if self.hour is None else self.hour}"

    @property
    def is_over(self) -> bool:
        """Return whether florists or couriers have more work than they can do."""
        return any(load is not None and load.is_over for load in (self.bouquets, self.deliveries))

    @property
    def bouquets_words(self) -> str:
        """Return the message about the load of the florists, or an empty string if the row has no load."""
        load = self.bouquets
        if load is None:
            return ""
        if not load.is_over:
            text = ngettext("%(need)s bouquet, can make %(can)s", "%(need)s bouquets, can make %(can)s", load.need)
        elif load.can:
            text = ngettext(
                "not in time: %(need)s bouquet, can make %(can)s",
                "not in time: %(need)s bouquets, can make %(can)s",
                load.need,
            )
        else:
            text = ngettext("overdue: %(need)s bouquet", "overdue: %(need)s bouquets", load.need)
        return text % {"need": load.need, "can": load.can}

    @property
    def deliveries_words(self) -> str:
        """Return the message about the load of the couriers, or an empty string if the row has no load."""
        load = self.deliveries
        if load is None:
            return ""
        if not load.is_over:
            text = ngettext("%(need)s delivery, can make %(can)s", "%(need)s deliveries, can make %(can)s", load.need)
        elif load.can:
            text = ngettext(
                "not in time: %(need)s delivery, can make %(can)s",
                "not in time: %(need)s deliveries, can make %(can)s",
                load.need,
            )
        else:
            text = ngettext("overdue: %(need)s delivery", "overdue: %(need)s deliveries", load.need)
        return text % {"need": load.need, "can": load.can}


@dataclass(frozen=True, slots=True)
class Risk:
    """An order at risk, and the reasons for the risk."""

    order: Order
    level: Lateness
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """The board of a day at the time `now`."""

    day: date
    now: datetime
    total: int
    """The number of orders of the day, without cancelled orders."""
    totals: tuple[Cell, ...]
    hours: tuple[HourRow, ...]
    risks: tuple[Risk, ...]
    """The orders at risk, the most urgent one first."""


def day_board(orders: QuerySet[Order], day: date, now: datetime | None = None) -> Board:
    """Return the board of a day, with two queries for any number of orders."""
    now = now or timezone.now()
    found = list(
        orders.filter(delivery_date=day)
        .select_related("status", "delivery_slot", "customer")
        .only(*_COLUMNS_READ)
        .annotate(address_start=Left("delivery_address", 1))
        .order_by("created_at", "id")
    )
    for order in found:
        order.delivery_address = order.address_start  # the board shows only whether there is an address
    bouquets = _bouquets([order.pk for order in found])
    totals = _cells(found)
    return Board(
        day=day,
        now=now,
        total=sum(cell.count for cell in totals if Stage.CANCELLED not in cell.column.stages),
        totals=totals,
        hours=tuple(_rows(found, bouquets, now)),
        risks=tuple(_risks(found, bouquets, now)),
    )


def stage_of(order: Order) -> str:
    """Return the stage of an order on the board, by the facts of its making.

    An order cancelled or deleted on the site counts as cancelled.
    """
    if order.is_cancelled or order.is_deleted_on_site:
        return Stage.CANCELLED
    return work_stage(order)


def bouquets_in(quantities: Iterable[Decimal]) -> int:
    """Return the number of bouquets in items with these quantities, at least one."""
    return max(sum(1 if quantity > MOST_BOUQUETS else ceil(quantity) for quantity in quantities), 1)


def _bouquets(keys: Sequence[UUID]) -> dict[UUID, int]:
    lines: dict[UUID, dict[str | None, Decimal]] = {key: {} for key in keys}
    items = OrderItem.objects.filter(order__in=keys).order_by()
    columns = ("order_id", "product_snapshot__name", "quantity", "unknown_values")
    for key, name, known, unknown in items.values_list(*columns):
        quantity = Decimal(1) if "quantity" in unknown else known  # an unknown quantity is at least one bouquet
        # A discount may have split one flower of a bouquet off into an item of its own.
        lines[key][name] = lines[key].get(name, Decimal(0)) + quantity
    return {key: bouquets_in(quantities.values()) for key, quantities in lines.items()}


def _hour(order: Order) -> int | None:
    start = starts_at(order)
    return None if start is None else timezone.localtime(start).hour


def _cells(orders: Iterable[Order]) -> tuple[Cell, ...]:
    counts: dict[str, int] = defaultdict(int)
    for order in orders:
        counts[stage_of(order)] += 1
    return tuple(Cell(column, sum(counts[stage] for stage in column.stages)) for column in COLUMNS)


def _rows(orders: Sequence[Order], bouquets: Mapping[UUID, int], now: datetime) -> Iterator[HourRow]:
    by_hour: dict[int | None, list[Order]] = defaultdict(list)
    for order in orders:
        by_hour[_hour(order)].append(order)
    over = [hour for hour, of_hour in by_hour.items() if hour is not None and _is_over(hour, of_hour, now)]
    if earlier := [order for hour in over for order in by_hour.pop(hour)]:
        yield HourRow(hour=None, cells=_cells(earlier), bouquets=None, deliveries=None, is_earlier=True)
    for hour in sorted(by_hour, key=lambda hour: (hour is None, hour or 0)):
        yield _row(hour, by_hour[hour], bouquets, now)


def _is_over(hour: int, orders: Sequence[Order], now: datetime) -> bool:
    """Return whether this hour of today has passed. Open orders of past hours are listed as orders at risk."""
    local = timezone.localtime(now)
    return orders[0].delivery_date == local.date() and hour < local.hour


def _row(hour: int | None, orders: Sequence[Order], bouquets: Mapping[UUID, int], now: datetime) -> HourRow:
    local = timezone.localtime(now)
    to_make = [(order, bouquets[order.pk]) for order in orders if stage_of(order) in TO_MAKE]
    to_deliver = [(order, 1) for order in orders if stage_of(order) in TO_DELIVER and not order.is_pickup]
    return HourRow(
        hour=hour,
        cells=_cells(orders),
        bouquets=None if hour is None else _load(to_make, florists_rate(), now),
        deliveries=None if hour is None else _load(to_deliver, couriers_rate(), now),
        is_now=hour == local.hour and orders[0].delivery_date == local.date(),
    )


def florists_rate() -> float:
    """Return how many bouquets the florists make in an hour, or 0 if the settings do not define it."""
    return float(settings.FLORISTS * settings.BOUQUETS_PER_FLORIST_HOUR)


def couriers_rate() -> float:
    """Return how many orders the couriers deliver in an hour, or 0 if the settings do not define it."""
    return float(settings.COURIERS * settings.DELIVERIES_PER_COURIER_HOUR)


def _load(work: Sequence[tuple[Order, int]], rate: float, now: datetime) -> Load | None:
    """Return the needed work, and how much work can be done in the time that is left of the slots.

    `rate` is the amount of work that is done in an hour. Return None if it is zero.
    """
    if not rate:
        return None
    need = sum(amount for _order, amount in work)
    if not need:
        return Load(0, int(rate))
    # Slots of one hour and of four hours may start together, so each order uses a part of its own slot.
    used = sum(amount / (rate * _hours_left(order, now)) for order, amount in work)
    return Load(need, int(need / used + 1e-6))


def _hours_left(order: Order, now: datetime) -> float:
    start, due = starts_at(order), due_at(order)
    # Only orders with an hour on the board are counted.
    assert start is not None
    assert due is not None
    return max((due - max(start, now)).total_seconds() / 3600, LEAST_HOURS)


def _risks(orders: Sequence[Order], bouquets: Mapping[UUID, int], now: datetime) -> list[Risk]:
    open_orders = [order for order in orders if stage_of(order) not in CLOSED_STAGES]
    before = _too_many_before(open_orders, bouquets, now)
    found = [
        Risk(order, lateness(order, now), tuple(reasons))
        for order in open_orders
        if (reasons := _reasons(order, before.get(order.pk), now))
    ]
    return sorted(found, key=lambda risk: _urgency(risk, now))


def _too_many_before(orders: Sequence[Order], bouquets: Mapping[UUID, int], now: datetime) -> dict[UUID, int]:
    """Return the orders that the florists can't make in time, with the number of bouquets to make before each order.

    The florists are assumed to start now and to work by due time, so only orders of today are returned.
    """
    rate = florists_rate()
    if not rate:
        return {}
    found = {}
    made = 0
    today = timezone.localdate(now)
    waiting = [order for order in orders if stage_of(order) in TO_MAKE and order.delivery_date == today]
    for order in sorted(waiting, key=lambda order: due_at(order) or now):
        due = due_at(order)
        assert due is not None  # an order of today has a date
        ready = now + timedelta(hours=(made + bouquets[order.pk]) / rate)
        if made and ready > due:
            found[order.pk] = made
        made += bouquets[order.pk]
    return found


def _reasons(order: Order, bouquets_before: int | None, now: datetime) -> list[str]:
    level = lateness(order, now)
    stage = stage_of(order)
    due = due_at(order)
    is_soon = due is not None and due - now < NEXT_HOURS
    reasons = []
    if level:
        reasons.append(lateness_words(order, now) or gettext("the day ends soon"))
        reasons.append(_step_missing(order, stage))
    elif is_soon and stage == Stage.NEW:
        reasons.append(gettext("not accepted yet"))
    if order.problem:
        reasons.append(gettext("problem: %(text)s") % {"text": order.problem})
    elif stage == Stage.PROBLEM:
        reasons.append(status_text(order))
    reasons += _unknown(order, stage)
    if not order.delivery_address.strip() and not order.is_pickup:
        reasons.append(gettext("no address"))
    if not order.recipient_phone and not order.contact_phone and not (order.customer and order.customer.phone):
        reasons.append(gettext("no phone"))
    if is_soon and order.courier_id is None and not order.is_pickup and stage != Stage.DELIVERING:
        reasons.append(gettext("no courier"))
    if bouquets_before and not level:
        text = ngettext(
            "will be late: %(count)s bouquet before it", "will be late: %(count)s bouquets before it", bouquets_before
        )
        reasons.append(text % {"count": bouquets_before})
    return [reason for reason in reasons if reason]


def _unknown(order: Order, stage: str) -> list[str]:
    """Return messages about a date and a status that the site has sent in a form that could not be read."""
    found = []
    if order.is_unknown("status") and stage != Stage.PROBLEM:
        found.append(gettext("status %(value)s") % {"value": unknown_text(order.unknown_values["status"])})
    if unknown := unknown_date(order):
        found.append(gettext("date %(value)s") % {"value": unknown})
    return found


def _step_missing(order: Order, stage: str) -> str:
    """Return a message about the step of the work that is late, or an empty string for other stages."""
    if stage == Stage.NEW:
        return gettext("not accepted yet")
    if stage in (Stage.ACCEPTED, Stage.WAITING):
        return gettext("the bouquet is not begun")
    if stage == Stage.MAKING:
        return gettext("the bouquet is still being made")
    if stage == Stage.READY:
        return gettext("ready, not collected yet") if order.is_pickup else gettext("ready, not on its way")
    return gettext("on its way") if stage == Stage.DELIVERING else ""


def _urgency(risk: Risk, now: datetime) -> tuple[int, datetime]:
    rank = {Lateness.LATE: 0, Lateness.RISK: 1}.get(risk.level, 2 if risk.order.problem else 3)
    return rank, due_at(risk.order) or now
