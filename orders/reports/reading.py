"""The queries of the tables of reports: one for each table, grouped by a dimension."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, DurationField, IntegerField, Q, QuerySet, Value
from django.utils.functional import Promise

from orders.reports.dimensions import Dimension, row_parameter
from orders.reports.grouping_sets import IsTotal, KeyOrTotal
from orders.reports.period import Period
from orders.reports.planning import planned_for
from orders.reports.populations import Population
from orders.reports.scope import Scope
from orders.reports.tables import Column, Row, Sums, Table, values_of

MOST_EMPTY_DAYS = 92
"""The length of the longest period, about a quarter, of which days without orders are shown too."""
ORDERS, UNCOUNTED = "orders", "uncounted"
"""The names of the aggregates that every table has: the orders, and those whose sum is not added up."""
TOTAL = object()
"""The key of the aggregates of all orders, which no row has."""
_NUMBER, _SUM, _TIME = IntegerField(), DecimalField(max_digits=20, decimal_places=4), DurationField()
ZEROS: Mapping[type, Value] = {
    int: Value(0, output_field=_NUMBER),
    Decimal: Value(Decimal(0), output_field=_SUM),
    timedelta: Value(timedelta(0), output_field=_TIME),
}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The sum or the number of something. `make` returns it for the path to the order."""

    type: type
    make: Callable[[str], Any]
    is_additive: bool = True
    """Whether the value of all orders is the sum of those of the rows. It is not if an order is counted in several."""


@dataclass(frozen=True, slots=True)
class Part:
    """Aggregates over the rows of one model. `prefix` is the path from the rows to the order."""

    rows: Callable[[], QuerySet[Any]]
    prefix: str
    aggregates: Mapping[str, Aggregate]
    condition: Callable[[str], Q] = field(default=lambda _prefix: Q())


@dataclass(frozen=True, slots=True)
class Grouping:
    """A table of a report: what is added up, by what, and which orders a row leads to."""

    dimension: Dimension
    parts: tuple[Part, ...]
    columns: tuple[Column, ...]
    population: Population
    """The orders that the column of orders counts."""
    bars: tuple[str, ...] = (ORDERS,)
    """The keys of the columns that the chart shows as bars."""
    line: str = ""
    """The key of the column of a sum that the chart shows as a line."""
    label: str | Promise = ""
    most_rows: int = 0
    """The largest number of rows that are read, those with the most orders, or 0. Such a table has one part."""

    @property
    def key(self) -> str:
        """Return the key of the table in URLs."""
        return self.dimension.key

    @property
    def is_additive(self) -> bool:
        """Return whether the totals are the sums of all rows, so that they need no query."""
        aggregates = (one for part in self.parts for one in part.aggregates.values())
        return not self.most_rows and all(one.is_additive for one in aggregates)

    @property
    def is_sequence(self) -> bool:
        """Return whether the rows follow each other, such as days."""
        return self.dimension.is_sequence

    @property
    def title(self) -> str | Promise:
        """Return the name of the table."""
        return self.label or self.dimension.label


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table of a report that `read` makes by its own query."""

    key: str
    title: str | Promise
    columns: tuple[Column, ...]
    read: Callable[[Scope], Table]
    bars: tuple[str, ...] = (ORDERS,)
    line: str = ""
    is_sequence: bool = False


def read_any(table: Grouping | OwnTable, scope: Scope) -> Table:
    """Return a table of the period."""
    return table.read(scope) if isinstance(table, OwnTable) else read_table(table, scope)


def read_table(grouping: Grouping, scope: Scope) -> Table:
    """Return the table of the period, with one query for its rows and its totals, and perhaps one for the names.

    Rows without orders and refunds are left out, except days of a period of at most `MOST_EMPTY_DAYS`.
    """
    found, totals = _read_with_totals(grouping, scope)
    kept = {key: sums for key, sums in found.items() if sums[ORDERS]}
    if kept and grouping.dimension.has_every_day and scope.period.days <= MOST_EMPTY_DAYS:
        zeros = {name: zero.value for name, zero in _zeros(grouping.parts).items()}
        kept = dict.fromkeys(scope.period.each_day(), zeros) | kept
    names = grouping.dimension.names(kept)
    rows = [
        Row(
            key,
            names.get(key) or str(grouping.dimension.unknown),
            values_of(grouping.columns, sums),
            _list_parameters(grouping, scope, key),
        )
        for key, sums in _sorted(grouping.dimension, kept)
    ]
    return Table(
        str(grouping.title),
        grouping.columns,
        tuple(rows),
        values_of(grouping.columns, totals),
        totals.get(UNCOUNTED, 0),
    )


def _read_with_totals(grouping: Grouping, scope: Scope) -> tuple[dict[Any, dict[str, Any]], Sums]:
    """Return the aggregates of the rows by their keys, and those of all orders."""
    zeros = _zeros(grouping.parts)
    with planned_for(scope.period):
        if not grouping.is_additive:
            found = _read(grouping.parts, scope, scope.period, grouping.dimension, grouping.most_rows, has_total=True)
            return found, found.pop(TOTAL, {name: zero.value for name, zero in zeros.items()})
        found = _read(grouping.parts, scope, scope.period, grouping.dimension)
    return found, {name: sum((sums[name] for sums in found.values()), zero.value) for name, zero in zeros.items()}


def read_totals(grouping: Grouping, scope: Scope, period: Period) -> Sums:
    """Return the aggregates of all orders of a period, with one query."""
    with planned_for(period):
        found = _read(grouping.parts, scope, period, None)
    return found.get(0) or {name: zero.value for name, zero in _zeros(grouping.parts).items()}


def read_sums(grouping: Grouping, scope: Scope) -> Mapping[Any, Sums]:
    """Return the aggregates of the rows of the period by their keys, with one query and without names."""
    return _read(grouping.parts, scope, scope.period, grouping.dimension)


def _zeros(parts: Iterable[Part]) -> dict[str, Value]:
    return {name: ZEROS[aggregate.type] for part in parts for name, aggregate in part.aggregates.items()}


def _read(
    parts: tuple[Part, ...],
    scope: Scope,
    period: Period,
    dimension: Dimension | None,
    most: int = 0,
    *,
    has_total: bool = False,
) -> dict[Any, dict[str, Any]]:
    """Return the aggregates by the keys of the rows, and with `has_total` also those of all orders, with key `TOTAL`.

    At most `most` rows are read, if it is not 0.
    """
    zeros = _zeros(parts)
    queries = [_query(part, zeros, scope, period, dimension, has_total=has_total) for part in parts]
    # One statement, in which each part has rows of its own: joins of items and payments would multiply orders.
    union = queries[0].union(*queries[1:], all=True) if len(queries) > 1 else queries[0]
    if most:
        union = union.order_by("-total_", f"-{ORDERS}_", "key_")[: most + has_total]
    found: dict[Any, dict[str, Any]] = {}
    for key, is_total, *values in union:
        sums = found.setdefault(TOTAL if is_total else key, {name: zero.value for name, zero in zeros.items()})
        for name, value in zip(zeros, values, strict=True):
            sums[name] += value or zeros[name].value
    return found


def _query(
    part: Part,
    zeros: Mapping[str, Value],
    scope: Scope,
    period: Period,
    dimension: Dimension | None,
    *,
    has_total: bool,
) -> QuerySet[Any]:
    key = Value(0) if dimension is None else dimension.expression(scope.basis, part.prefix)
    rows = part.rows().filter(scope.condition(period, part.prefix), part.condition(part.prefix)).order_by()
    columns = {
        f"{name}_": part.aggregates[name].make(part.prefix) if name in part.aggregates else zero
        for name, zero in zeros.items()
    }
    total = IsTotal(key) if has_total else Value(0, output_field=_NUMBER)
    grouped = rows.annotate(key_=KeyOrTotal(key) if has_total else key).values("key_")
    return grouped.annotate(total_=total, **columns).values_list("key_", "total_", *columns)


def _sorted(dimension: Dimension, found: Mapping[Any, Sums]) -> list[tuple[Any, Sums]]:
    if dimension.is_sequence:
        return sorted(found.items(), key=lambda pair: (pair[0] is None, pair[0]))
    return sorted(found.items(), key=lambda pair: (-pair[1][ORDERS], str(pair[0])))


def _list_parameters(grouping: Grouping, scope: Scope, key: Any) -> dict[str, str]:
    counted = {"counted": grouping.population.key}
    dimension = grouping.dimension
    if dimension.days is not None and key is not None:
        return scope.list_parameters(dimension.days(key).within(scope.period)) | counted
    return scope.list_parameters(scope.period) | counted | row_parameter(dimension, scope.basis, key)
