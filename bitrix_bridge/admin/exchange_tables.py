"""The tables of the report of the exchange with the site, by day in Almaty: one query for the rows, one for the totals.

A lag is the time from a change on one side until it was stored on the other one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.db.models import Count, DurationField, ExpressionWrapper, F, IntegerField, Q, QuerySet, Value
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bitrix_bridge.admin.exchange_counts import EVENTS, NEW, PARAMETER, PUSHES, Counted
from bitrix_bridge.models import Difference, Push, WebhookEvent
from cvety_crm.outbox import State
from orders.models import EventKind, OrderEvent
from orders.reports.dimensions import DAY
from orders.reports.period import Period
from orders.reports.reading import MOST_EMPTY_DAYS
from orders.reports.tables import Column, Kind, Row, Table, values_of

Action = WebhookEvent.Action


class Percentile(models.Aggregate):
    """The value below which a given part of the values is."""

    function = "percentile_cont"
    template = "%(function)s(%(part)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = DurationField()

    def __init__(self, expression: Any, part: float, **extra: Any) -> None:
        super().__init__(expression, part=part, **extra)


def _lags(end: str, start: str, condition: Q) -> dict[str, Any]:
    """Return the aggregates of the time between two columns. A time below zero, by differing clocks, is left out."""
    length = ExpressionWrapper(F(end) - F(start), output_field=DurationField())
    wanted = condition & Q(**{f"{end}__gte": F(start)})
    return {"median": Percentile(length, 0.5, filter=wanted), "most": Percentile(length, 0.95, filter=wanted)}


def _count(condition: Q) -> Count:
    return Count("pk", filter=condition)


def _counts(counted: Mapping[str, Counted]) -> dict[str, Any]:
    return {key: _count(one.condition) for key, one in counted.items()}


def _filters(counted: Mapping[str, Counted]) -> dict[str, dict[str, str]]:
    return {key: {PARAMETER: key} for key in counted}


@dataclass(frozen=True, slots=True)
class ExchangeTable:
    """A table by day. `rows` are the rows of a model that are counted by the day of `created_at`."""

    key: str
    label: str | Promise
    rows: Callable[[], QuerySet[Any]]
    aggregates: Mapping[str, Any]
    columns: tuple[Column, ...]
    bars: tuple[str, ...]
    line: str
    list_name: str
    """The name of the URL of the list that a row leads to."""
    list_parameters: Mapping[str, str]
    of_cells: Mapping[str, Mapping[str, str]]
    """The parameters of the list for single columns."""
    lists_of_cells: Mapping[str, str] = field(default_factory=dict)
    """The names of the URLs of the lists for single columns that lead to another list."""


def _named(key: str, label: Any, *, more_is_better: bool | None = None, kind: Kind = Kind.COUNT) -> Column:
    return Column(key, label, kind, lambda sums: sums.get(key), more_is_better=more_is_better)


_LAG_COLUMNS = (
    _named("median", _("Lag, median"), kind=Kind.DURATION, more_is_better=False),
    _named("most", _("Lag of 95 %"), kind=Kind.DURATION, more_is_better=False),
)
FROM_SITE = ExchangeTable(
    "from_site",
    _("from the site"),
    lambda: WebhookEvent.objects.all(),
    {
        "all": Count("pk"),
        **_counts(EVENTS),
        "refused": _count(Q(action=Action.REFUSED)),
        **_lags("processed_at", "changed_at", Q(action__in=NEW)),
    },
    (
        _named("all", _("Events")),
        _named("new", EVENTS["new"].label),
        _named("repeated", EVENTS["repeated"].label, more_is_better=False),
        _named("open", EVENTS["open"].label, more_is_better=False),
        _named("refused", _("refused"), more_is_better=False),
        *_LAG_COLUMNS,
    ),
    ("all", "open", "refused"),
    "most",
    "admin:bitrix_bridge_webhookevent_changelist",
    {},
    {**_filters(EVENTS), "refused": {"action__exact": Action.REFUSED.value}},
)
TO_SITE = ExchangeTable(
    "to_site",
    _("to the site"),
    lambda: Push.objects.all(),
    {
        "all": Count("pk"),
        "delivered": _count(Q(state=State.DELIVERED)),
        **_counts(PUSHES),
        "failed": _count(Q(state=State.FAILED)),
        "cancelled": _count(Q(state=State.CANCELLED)),
        **_lags("finished_at", "created_at", Q(state=State.DELIVERED)),
    },
    (
        _named("all", _("Pushes")),
        _named("delivered", _("delivered")),
        _named("repeated", PUSHES["repeated"].label, more_is_better=False),
        _named("failed", _("failed"), more_is_better=False),
        _named("cancelled", _("no longer needed")),
        *_LAG_COLUMNS,
    ),
    ("all", "failed"),
    "most",
    "admin:bitrix_bridge_push_changelist",
    {},
    {
        **_filters(PUSHES),
        "delivered": {"state__exact": State.DELIVERED.value},
        "failed": {"state__exact": State.FAILED.value},
        "cancelled": {"state__exact": State.CANCELLED.value},
    },
)
CONFLICTS = ExchangeTable(
    "conflicts",
    _("conflicts and differences"),
    lambda: OrderEvent.objects.filter(kind__in=(EventKind.CONFLICT, EventKind.REFUSED)),
    {"conflicts": _count(Q(kind=EventKind.CONFLICT)), "refusals": _count(Q(kind=EventKind.REFUSED))},
    (
        _named("conflicts", _("Conflicts"), more_is_better=False),
        _named("refusals", _("Refusals of the site"), more_is_better=False),
        _named("differences", _("Differences found"), more_is_better=False),
    ),
    ("conflicts", "refusals", "differences"),
    "",
    "admin:orders_orderevent_changelist",
    {"kind__exact": EventKind.CONFLICT.value},
    {
        "conflicts": {"kind__exact": EventKind.CONFLICT.value},
        "refusals": {"kind__exact": EventKind.REFUSED.value},
        "differences": {},
    },
    {"differences": "admin:bitrix_bridge_difference_changelist"},
)
TABLES = {table.key: table for table in (FROM_SITE, TO_SITE, CONFLICTS)}


def read_exchange(table: ExchangeTable, period: Period, may_open: Callable[[str], bool] = lambda _name: True) -> Table:
    """Return the table of a period. Days on which nothing happened are rows of a period up to `MOST_EMPTY_DAYS`.

    `may_open` returns whether the user may open the list with this name of an URL.
    """
    found = {day: sums for day, sums in _read(table, period, by_day=True).items() if day is not None}
    days = period.each_day() if found and period.days <= MOST_EMPTY_DAYS else sorted(found)
    rows = [_row(table, day, found.get(day) or _nothing(table), may_open) for day in days]
    return Table(str(table.label), table.columns, tuple(rows), exchange_totals(table, period))


def exchange_totals(table: ExchangeTable, period: Period) -> dict[str, Any]:
    """Return the values of all days of a period."""
    return values_of(table.columns, _read(table, period, by_day=False).get(None) or _nothing(table))


def _nothing(table: ExchangeTable) -> dict[str, Any]:
    return {column.key: None if column.kind == Kind.DURATION else 0 for column in table.columns}


def _read(table: ExchangeTable, period: Period, *, by_day: bool) -> dict[date | None, dict[str, Any]]:
    day: Any = (
        TruncDate("created_at", tzinfo=timezone.get_default_timezone())
        if by_day
        else Value(None, output_field=models.DateField())
    )
    found: dict[date | None, dict[str, Any]] = {}
    aggregates = dict(table.aggregates)
    if table is CONFLICTS:
        aggregates["differences"] = Value(0, output_field=IntegerField())
    names = list(aggregates)
    rows = _groups(table.rows(), period, day, aggregates)
    if table is CONFLICTS:
        nothing = {name: Value(0, output_field=IntegerField()) for name in table.aggregates}
        rows = rows.union(
            _groups(Difference.objects.all(), period, day, {**nothing, "differences": Count("pk")}), all=True
        )
    for key, *values in rows:
        sums = found.setdefault(key, _nothing(table))
        for name, value in zip(names, values, strict=True):
            sums[name] = value if isinstance(value, timedelta) or value is None else (sums[name] or 0) + value
    return found


def _groups(rows: QuerySet[Any], period: Period, day: Any, aggregates: Mapping[str, Any]) -> QuerySet[Any]:
    start, end = period.moments
    columns = {f"{name}_": aggregate for name, aggregate in aggregates.items()}
    return (
        rows.filter(created_at__gte=start, created_at__lt=end)
        .order_by()
        .annotate(day_=day)
        .values("day_")
        .annotate(**columns)
        .values_list("day_", *columns)
    )


def _row(table: ExchangeTable, day: date, sums: Mapping[str, Any], may_open: Callable[[str], bool]) -> Row:
    shown = f"{day:%d.%m.%Y}"
    days = {"created_at_from": shown, "created_at_to": shown}

    def url(name: str, parameters: Mapping[str, str]) -> str:
        return f"{reverse(name)}?{urlencode({**parameters, **days})}" if may_open(name) else ""

    of_cells = {
        key: url(table.lists_of_cells.get(key, table.list_name), more)
        for key, more in table.of_cells.items()
        if sums[key]
    }
    return Row(
        day,
        DAY.name(day),
        values_of(table.columns, sums),
        url=url(table.list_name, table.list_parameters),
        cell_urls=of_cells,
    )
