"""The report of deliveries: on time, or how late."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Sum, Value
from django.db.models.functions import Greatest
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from orders.reports.aggregates import all_orders, orders_where
from orders.reports.definitions.report import Report
from orders.reports.dimensions import CITY, COURIER, DAY, DISTRICT, HOUR, LATE_REASON, SHOP, SLOT, WEEK, WEEKDAY
from orders.reports.load import LOAD_BY_DAY, LOAD_BY_SLOT
from orders.reports.populations import DELIVERED, LATE, is_delivered, is_delivered_late
from orders.reports.reading import Aggregate, Grouping, Part
from orders.reports.tables import Column, Kind, ratio
from orders.rules.lateness import DueAt

SHORT, LONG = timedelta(minutes=30), timedelta(hours=2)


def _lateness() -> Any:
    return ExpressionWrapper(F("completed_at") - DueAt(), output_field=DurationField())


def _later_than(limit: timedelta) -> Q:
    return Q(GreaterThan(_lateness(), Value(limit)))


def _orders(condition: Q) -> Aggregate:
    return Aggregate(int, lambda _prefix: Count("pk", filter=condition))


DELIVERIES = Part(
    all_orders,
    "",
    {
        "orders": orders_where(),
        "late": _orders(_later_than(timedelta(0))),
        "late_short": _orders(_later_than(timedelta(0)) & Q(LessThanOrEqual(_lateness(), Value(SHORT)))),
        "late_long": _orders(_later_than(LONG)),
        "late_time": Aggregate(
            timedelta,
            lambda _prefix: Sum(Greatest(_lateness(), Value(timedelta(0))), default=timedelta(0)),
        ),
    },
    is_delivered,
)
_LATE_DELIVERIES = Part(all_orders, "", DELIVERIES.aggregates, is_delivered_late)
ON_TIME = Column(
    "on_time",
    _("On time"),
    Kind.SHARE,
    lambda sums: ratio(sums["orders"] - sums["late"], sums["orders"]),
    more_is_better=True,
)
LATE_NUMBER = Column("late", _("Late, number"), Kind.COUNT, lambda sums: sums["late"], more_is_better=False)
LATE_TIME = Column(
    "late_time",
    _("Late on average"),
    Kind.DURATION,
    lambda sums: ratio(sums["late_time"], sums["late"]),
    more_is_better=False,
)
STOPS = Column("orders", _("Deliveries"), Kind.COUNT, lambda sums: sums["orders"], more_is_better=True)
_COLUMNS = (
    STOPS,
    ON_TIME,
    LATE_NUMBER,
    Column("late_short", _("by up to 30 minutes"), Kind.COUNT, lambda sums: sums["late_short"]),
    Column("late_long", _("by more than 2 hours"), Kind.COUNT, lambda sums: sums["late_long"]),
    LATE_TIME,
)

_REASON_COLUMNS = (
    Column("orders", _("Late, number"), Kind.COUNT, lambda sums: sums["orders"], more_is_better=False),
    *_COLUMNS[3:],
)

DELIVERY = Report(
    "delivery",
    _("Deliveries on time"),
    "local_shipping",
    (
        *(
            Grouping(dimension, (DELIVERIES,), _COLUMNS, DELIVERED, bars=("orders", "late"))
            for dimension in (DAY, WEEK, WEEKDAY, HOUR, SLOT, DISTRICT, COURIER, CITY, SHOP)
        ),
        Grouping(LATE_REASON, (_LATE_DELIVERIES,), _REASON_COLUMNS, LATE),
    ),
    ("orders", "on_time", "late", "late_time"),
    (
        _("Delivered orders, without pickup. An order is late if it was completed after the end of its delivery slot."),
        _("The time of delivery is the one at which the order got its final status: in the CRM, or on the site."),
        _("An order whose slot has no known hours is due at the end of its day."),
        _("The average is that of the late orders only."),
        _("The district is read from the address, if it names one. The same district is written in one way."),
        _("The reason of a late order is its problem, as staff or the customer have written it, also if it is solved."),
        _("The load counts deliveries by delivery date that are not cancelled, delivered or not, without pickup."),
        _("The capacity is that of the delivery slots for all shops and cities together, as they are set now."),
    ),
    (LOAD_BY_SLOT, LOAD_BY_DAY),
)
