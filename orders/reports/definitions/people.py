"""The report of the work of florists, couriers and managers."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, DecimalField, DurationField, ExpressionWrapper, F, Q, Sum
from django.utils.translation import gettext_lazy as _

from orders.models import Payment, PaymentMethod
from orders.reports.aggregates import SOLD_ORDERS, all_orders, in_kzt, orders_where
from orders.reports.definitions.delivery import DELIVERIES, LATE, LATE_TIME, ON_TIME, STOPS
from orders.reports.definitions.report import Report
from orders.reports.definitions.sales import AMOUNT, AVERAGE, ORDERS
from orders.reports.dimensions import COURIER, FLORIST, MANAGER
from orders.reports.populations import DELIVERED, MADE, SOLD, is_delivered, is_made
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
_FLORIST_COLUMNS = (
    Column("orders", _("Orders made"), Kind.COUNT, lambda sums: sums["orders"], more_is_better=True),
    Column("timed", _("Time known"), Kind.COUNT, lambda sums: sums["timed"]),
    Column("time", _("From taken to ready"), Kind.DURATION, lambda sums: ratio(sums["time"], sums["timed"])),
)


def _cash(prefix: str) -> Any:
    return Sum("amount", filter=in_kzt(prefix), default=Decimal(0), output_field=DecimalField())


_CASH = Part(
    lambda: Payment.objects.filter(courier__isnull=False, method=PaymentMethod.CASH),
    "order__",
    {"cash": Aggregate(Decimal, _cash)},
    is_delivered,
)
_COURIER_COLUMNS = (
    STOPS,
    ON_TIME,
    LATE,
    LATE_TIME,
    Column("cash", _("Cash collected"), Kind.MONEY, lambda sums: sums["cash"]),
)
_MANAGER_COLUMNS = (
    ORDERS,
    AMOUNT,
    AVERAGE,
    Column("uncounted", _("Without a sum"), Kind.COUNT, lambda sums: sums["uncounted"]),
)

PEOPLE = Report(
    "people",
    _("People"),
    "badge",
    (
        Grouping(FLORIST, (_MADE,), _FLORIST_COLUMNS, MADE),
        Grouping(COURIER, (DELIVERIES, _CASH), _COURIER_COLUMNS, DELIVERED, bars=("orders", "late")),
        Grouping(MANAGER, (SOLD_ORDERS,), _MANAGER_COLUMNS, SOLD, line="amount"),
    ),
    ("orders", "timed", "time"),
    (
        _("Florists: orders whose bouquet was marked as ready, by who marked it. The totals above are theirs."),
        _("The time from taken to ready is the average of those orders for which both moments are recorded."),
        _("Couriers: delivered orders without pickup, and the cash in ₸ recorded as collected by couriers."),
        _("Responsible: orders that are neither cancelled nor deleted on the site, with their sums."),
    ),
)
