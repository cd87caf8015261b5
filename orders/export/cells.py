"""The cells of an exported table, and the kinds of their values."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, auto

Cell = str | int | float | Decimal | date | datetime | timedelta | None
"""None is an empty cell. A datetime is naive and in local time, as in spreadsheets."""


class Kind(Enum):
    """The kind of the values in a column. Each file format writes a kind in its own way.

    A cell may contain a text instead of a value of its kind, such as `unknown` instead of a sum.
    """

    TEXT = auto()
    PHONE = auto()
    DATE = auto()
    MOMENT = auto()
    MONEY = auto()
    NUMBER = auto()
    """A quantity or a count."""
    KEY = auto()
    """A number that is an identifier: it has no thousands separator and is never added up."""
    SHARE = auto()
    """A number from 0 to 1."""
    DURATION = auto()
    """A `timedelta`."""
