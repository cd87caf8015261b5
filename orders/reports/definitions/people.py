"""The report of the work of florists, couriers and managers."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, DurationField, ExpressionWrapper, F, Q, Sum
from django.utils.translation import gettext_lazy as _

from orders.models import EventKind, OrderEvent, Payment, PaymentMethod, PhotoAnswer
from orders.reports.aggregates import SOLD_SUMS, all_orders, in_kzt, orders_where
from orders.reports.definitions.delivery import DELIVERIES, LATE_NUMBER, LATE_TIME, ON_TIME, STOPS
from orders.reports.definitions.report import Report
from orders.reports.definitions.sales import AMOUNT, AVERAGE, ORDERS
from orders.reports.dimensions import ACCEPTED_BY, COURIER, FLORIST, MANAGER
from orders.reports.populations import ACCEPTED, DELIVERED, MADE, SOLD, is_accepted, is_delivered, is_made
from orders.reports.reading import Aggregate, Grouping, Part
from orders.reports.tables import Column, Kind, ratio

_IS_TIMED = Q(taken_at__isnull=False, ready_at__gte=F("taken_at"))


def _making_time(_prefix: str) -> Any:
    length = ExpressionWrapper(F("ready_at") - F("taken_at"), output_field=DurationField())
    return Sum(length, filter=_IS_TIMED, default=timedelta(0))


_MADE = Part(
    all_orders,
    "",
    {
        "orders": orders_where(),
        "timed": Aggregate(int, lambda _prefix: Count("pk", filter=_IS_TIMED)),
        "time": Aggregate(timedelta, _making_time),
    },
    is_made,
)
_REMADE = Q(kind=EventKind.REMADE)
_REJECTED = Q(kind=EventKind.PHOTO_ANSWERED, details__answer=PhotoAnswer.REDO)


def _orders_with(condition: Q) -> Aggregate:
    # Each order has one florist, so it is in one row.
    return Aggregate(int, lambda _prefix: Count("order", filter=condition, distinct=True))


_REMAKES = Part(
    lambda: OrderEvent.objects.filter(kind__in=(EventKind.REMADE, EventKind.PHOTO_ANSWERED)),
    "order__",
    {"remade": _orders_with(_REMADE), "rejected": _orders_with(_REJECTED)},
    is_made,
)
_FLORIST_COLUMNS = (
    Column("orders", _("Orders made"), Kind.COUNT, lambda sums: sums["orders"], more_is_better=True),
    Column("timed", _("Time known"), Kind.COUNT, lambda sums: sums["timed"]),
    Column("time", _("From taken to ready"), Kind.DURATION, lambda sums: ratio(sums["time"], sums["timed"])),
    Column("remade", _("Made again"), Kind.COUNT, lambda sums: sums["remade"], more_is_better=False),
    Column("rejected", _("Customer wanted another"), Kind.COUNT, lambda sums: sums["rejected"], more_is_better=False),
)


def _cash(prefix: str) -> Any:
    return Sum("amount", filter=in_kzt(prefix), default=Decimal(0), output_field=DecimalField())


_CASH = Part(
    lambda: Payment.objects.filter(courier__isnull=False, method=PaymentMethod.CASH),
    "order__",
    {"cash": Aggregate(Decimal, _cash)},
    is_delivered,
)
# The parts of the lateness that the table does not show would take a fifth of its time.
_OF_COURIERS = Part(
    all_orders, "", {name: DELIVERIES.aggregates[name] for name in ("orders", "late", "late_time")}, is_delivered
)
_COURIER_COLUMNS = (
    STOPS,
    ON_TIME,
    LATE_NUMBER,
    LATE_TIME,
    Column("cash", _("Cash collected"), Kind.MONEY, lambda sums: sums["cash"]),
)
_MANAGER_COLUMNS = (
    ORDERS,
    AMOUNT,
    AVERAGE,
    Column("uncounted", _("Without a sum"), Kind.COUNT, lambda sums: sums["uncounted"]),
)
_IS_ACCEPTED_LATER = Q(accepted_at__gte=F("created_at"))


def _accepting_time(_prefix: str) -> Any:
    length = ExpressionWrapper(F("accepted_at") - F("created_at"), output_field=DurationField())
    return Sum(length, filter=_IS_ACCEPTED_LATER, default=timedelta(0))


_ACCEPTED = Part(
    all_orders,
    "",
    {
        "orders": orders_where(),
        "timed": Aggregate(int, lambda _prefix: Count("pk", filter=_IS_ACCEPTED_LATER)),
        "time": Aggregate(timedelta, _accepting_time),
    },
    is_accepted,
)
_ACCEPTED_COLUMNS = (
    Column("orders", _("Orders accepted"), Kind.COUNT, lambda sums: sums["orders"], more_is_better=True),
    Column(
        "time",
        _("From order to acceptance"),
        Kind.DURATION,
        lambda sums: ratio(sums["time"], sums["timed"]),
        more_is_better=False,
    ),
)

PEOPLE = Report(
    "people",
    _("People"),
    "badge",
    (
        Grouping(FLORIST, (_MADE, _REMAKES), _FLORIST_COLUMNS, MADE),
        Grouping(COURIER, (_OF_COURIERS, _CASH), _COURIER_COLUMNS, DELIVERED, bars=("orders", "late")),
        Grouping(MANAGER, (SOLD_SUMS,), _MANAGER_COLUMNS, SOLD, line="amount"),
        Grouping(ACCEPTED_BY, (_ACCEPTED,), _ACCEPTED_COLUMNS, ACCEPTED),
    ),
    ("orders", "timed", "time", "remade"),
    (
        _("Florists: orders whose bouquet was marked as ready, by who marked it. The totals above are theirs."),
        _("The time from taken to ready is the average of those orders for which both moments are recorded."),
        _(
            "Made again: orders with a bouquet that staff have made again. The other column: those whose customer has "
            "asked for another bouquet in the answer to the photo. Both count for who marked the last bouquet as ready."
        ),
        _("Couriers: delivered orders without pickup, and the cash in ₸ recorded as collected by couriers."),
        _("Responsible: orders that are neither cancelled nor deleted on the site, with their sums."),
        _(
            "By who accepted: orders of the site that a member of staff has given a status after “new” in the CRM. The "
            "time is the average from the order on the site, also outside working hours. Orders accepted on the site "
            "are left out."
        ),
    ),
)
