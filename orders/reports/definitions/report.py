"""The declaration of a report."""

from dataclasses import dataclass

from django.utils.functional import Promise

from orders.reports.reading import Grouping, OwnTable


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its tables, the columns of which totals are compared with other periods, and what the numbers mean."""

    key: str
    title: str | Promise
    icon: str
    groupings: tuple[Grouping, ...]
    headline: tuple[str, ...]
    """The keys of columns of the first table."""
    notes: tuple[str | Promise, ...]
    own_tables: tuple[OwnTable, ...] = ()
    """The tables that are not groups of orders, after the others."""

    @property
    def tables(self) -> tuple[Grouping | OwnTable, ...]:
        """Return all tables."""
        return (*self.groupings, *self.own_tables)

    def grouping(self, key: str) -> Grouping:
        """Return the groups of orders with this key, or the first ones."""
        return next((one for one in self.groupings if one.key == key), self.groupings[0])

    def table(self, key: str) -> Grouping | OwnTable:
        """Return the table with this key, or the first table."""
        return next((one for one in self.tables if one.key == key), self.groupings[0])
