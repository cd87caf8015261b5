"""The report of holidays: the peak days of one name side by side, by year, by hour and by the time before delivery.

Each table takes one query, which reads only the orders that are delivered on these days.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, Sum, Value, When
from django.db.models.lookups import LessThan
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models import Order, PeakDay
from orders.reports.dimensions import HOUR, LAST_DAY, LAST_HOUR, LEAD, Dimension, lead, row_parameter
from orders.reports.period import Period, Span
from orders.reports.populations import SOLD, is_sold
from orders.reports.scope import Basis, Scope
from orders.reports.tables import Column, Kind, Row, Table, ratio, values_of
from orders.rules.payment import sum_is_counted

MOST_YEARS = 6


class HolidayTable(StrEnum):
    """The tables of the report."""

    YEARS = "years"
    HOURS = "hour"
    LEADS = "lead"


LABELS = {
    HolidayTable.YEARS: _("by year"),
    HolidayTable.HOURS: HOUR.label,
    HolidayTable.LEADS: LEAD.label,
}
_DIMENSIONS = {HolidayTable.HOURS: HOUR, HolidayTable.LEADS: LEAD}
YEAR_COLUMNS = (
    Column("orders", _("Orders"), Kind.COUNT, lambda sums: sums["orders"]),
    Column("amount", _("Sum"), Kind.MONEY, lambda sums: sums["amount"]),
    Column("average", _("Average bill"), Kind.MONEY, lambda sums: ratio(sums["amount"], sums["counted"])),
    Column("day", _("Ordered in the last day"), Kind.SHARE, lambda sums: ratio(sums["last_day"], sums["orders"])),
    Column("hour", _("Ordered in the last hour"), Kind.SHARE, lambda sums: ratio(sums["last_hour"], sums["orders"])),
    Column("uncounted", _("Without a sum"), Kind.COUNT, lambda sums: sums["orders"] - sums["counted"]),
)


def year_key(number: int) -> str:
    """Return the key of the column of a year. The latest year has the number 0."""
    return f"year{number}"


def holidays() -> list[str]:
    """Return the names of the holidays, in the order of the year."""
    found = PeakDay.objects.values_list("name", "first_day")
    days: dict[str, tuple[int, int]] = {}
    for name, first in found:
        days[name] = min(days.get(name, (13, 0)), (first.month, first.day))
    return sorted(days, key=lambda name: (days[name], name))


def years_of(name: str) -> list[PeakDay]:
    """Return the holidays of this name that have begun, the latest first, and at most `MOST_YEARS` of them.

    A holiday counts from a month before, when its orders come.
    """
    soon = timezone.localdate() + timedelta(days=31)
    return list(PeakDay.objects.filter(name=name, first_day__lte=soon).order_by("-first_day")[:MOST_YEARS])


def read_holiday(peaks: Sequence[PeakDay], filters: Mapping[str, Any], table: HolidayTable) -> Table:
    """Return a table of these holidays, with one query. Years without orders are left out."""
    if not peaks:
        return Table(str(LABELS[table]), (), (), {})
    dimension = _DIMENSIONS.get(table)
    found = _read(peaks, filters, dimension)
    label = str(LABELS[table])
    return _by_year(label, peaks, filters, found) if dimension is None else _by(dimension, peaks, filters, found)


def _read(
    peaks: Sequence[PeakDay], filters: Mapping[str, Any], dimension: Dimension | None
) -> dict[tuple[int, Any], dict[str, Any]]:
    ranges = [Q(delivery_date__range=(peak.first_day, peak.last_day)) for peak in peaks]
    which = Case(*(When(one, then=Value(number)) for number, one in enumerate(ranges)), output_field=IntegerField())
    key = Value(0) if dimension is None else dimension.expression(Basis.DELIVERY, "")
    rows = (
        Order.objects.filter(reduce(or_, ranges), is_sold(), **filters)
        .order_by()
        .annotate(peak_=which, key_=key)
        .values("peak_", "key_")
        .annotate(
            orders=Count("pk"),
            counted=Count("pk", filter=sum_is_counted()),
            amount=Sum("total_amount", filter=sum_is_counted(), default=Decimal(0)),
            last_day=Count("pk", filter=Q(LessThan(lead(), Value(LAST_DAY)))),
            last_hour=Count("pk", filter=Q(LessThan(lead(), Value(LAST_HOUR)))),
        )
    )
    return {(row["peak_"], row["key_"]): dict(row) for row in rows}


def _parameters(peak: PeakDay, filters: Mapping[str, Any]) -> dict[str, str]:
    period = Period(peak.first_day, peak.last_day)
    scope = Scope(Span.DATES, period, Basis.DELIVERY, filters)
    return scope.list_parameters(period) | {"counted": SOLD.key}


def _by_year(
    label: str, peaks: Sequence[PeakDay], filters: Mapping[str, Any], found: Mapping[tuple[int, Any], Mapping[str, Any]]
) -> Table:
    rows = [
        Row(peak.pk, str(peak), values_of(YEAR_COLUMNS, found[number, 0]), _parameters(peak, filters))
        for number, peak in enumerate(peaks)
        if (number, 0) in found
    ]
    uncounted = sum(sums["orders"] - sums["counted"] for sums in found.values())
    return Table(label, YEAR_COLUMNS, tuple(rows), {}, uncounted)


def _by(
    dimension: Dimension,
    peaks: Sequence[PeakDay],
    filters: Mapping[str, Any],
    found: Mapping[tuple[int, Any], Mapping[str, Any]],
) -> Table:
    shown = [number for number in range(len(peaks)) if any(which == number for which, _key in found)]
    columns = tuple(_year_column(peaks[number], year_key(number)) for number in shown)
    keys = sorted({key for _number, key in found}, key=lambda key: (key is None, key))
    names = dimension.names(keys)
    rows = []
    for key in keys:
        counts = {year_key(number): found[number, key]["orders"] if (number, key) in found else 0 for number in shown}
        links = {
            year_key(number): _parameters(peaks[number], filters) | row_parameter(dimension, Basis.DELIVERY, key)
            for number in shown
            if (number, key) in found
        }
        rows.append(Row(key, names.get(key) or str(dimension.unknown), counts, None, links))
    totals = {column.key: sum(row.values[column.key] for row in rows) for column in columns}
    return Table(str(dimension.label), columns, tuple(rows), totals)


def _year_column(peak: PeakDay, key: str) -> Column:
    return Column(key, str(peak.first_day.year), Kind.COUNT, lambda sums: sums[key])
