"""The declaration of a report."""

from dataclasses import dataclass

from django.utils.functional import Promise

from orders.reports.reading import Grouping


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

    def grouping(self, key: str) -> Grouping:
        """Return the table with this key, or the first table."""
        return next((one for one in self.groupings if one.key == key), self.groupings[0])
