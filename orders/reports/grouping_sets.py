"""Grouping by a key, with one more row for all rows together (GROUPING SETS of PostgreSQL), for queries of Django.

The row for all is needed if it is not the sum of the others: an order with two products is in the rows of both. It
saves a second query, which would read all orders again.
"""

from typing import Any

from django.db.models import Aggregate, Func, IntegerField


class _GroupingSets(Func):
    template = "GROUPING SETS ((%(expressions)s), ())"


class KeyOrTotal(Func):
    """The key by which rows are grouped. It is NULL in the row for all rows, and perhaps in another (`IsTotal`)."""

    template = "%(expressions)s"
    arity = 1
    contains_aggregate = True  # otherwise Django groups by the key alone

    def get_group_by_cols(self) -> list[Any]:
        """Return what Django writes after GROUP BY."""
        return [_GroupingSets(*self.get_source_expressions())]


class IsTotal(Aggregate):
    """1 in the row for all rows, and 0 in those of the keys. Its argument is that of `KeyOrTotal`."""

    function = "GROUPING"
    arity = 1
    output_field = IntegerField()
