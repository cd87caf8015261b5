"""The rows and the typed columns of a report's table, which pages show and exports write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from django.utils.functional import Promise

Sums = Mapping[str, Any]
"""The aggregates of a row by name."""


class Kind(Enum):
    """The type of the values of a column."""

    COUNT = auto()
    MONEY = auto()
    """A sum in KZT (`Decimal`)."""
    SHARE = auto()
    """A number from 0 to 1 (`float`)."""
    DURATION = auto()
    """A `timedelta`."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `value` makes the value of a row, or None if it is not known."""

    key: str
    label: str | Promise
    kind: Kind
    value: Callable[[Sums], Any]
    more_is_better: bool | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the value that its orders have in common, its name, and its values by the keys of the columns."""

    key: Any
    label: str
    values: Mapping[str, Any]
    parameters: Mapping[str, str] | None = None
    """The parameters of the order list with the orders of the row."""
    of_cells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The parameters of the order list for single values, by the keys of the columns."""
    url: str = ""
    """The URL of another list with what the row counts, if it counts no orders."""
    cell_urls: Mapping[str, str] = field(default_factory=dict)
    """The URLs of other lists for single values, by the keys of the columns."""


@dataclass(frozen=True, slots=True)
class Table:
    """The values of a table. `totals` are not always the sums of the rows: an order may be in several of them."""

    label: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    totals: Mapping[str, Any]
    uncounted: int = 0
    """The number of orders whose sum is not in the totals, because it is unknown or in another currency."""


def values_of(columns: tuple[Column, ...], sums: Sums) -> dict[str, Any]:
    """Return the values of the columns."""
    return {column.key: column.value(sums) for column in columns}


def ratio(part: Any, whole: Any) -> Any:
    """Return `part / whole`, or None if there is nothing to divide by."""
    return part / whole if whole else None
