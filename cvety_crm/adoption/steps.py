"""What a step of the adoption is: it converts the rows of one earlier table, and stores what became of them.

The same conversion runs before the adoption, without writing, so that the owner sees what will become of each row.
"""

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection, models
from django.utils.functional import Promise
from django.utils.translation import gettext

from cvety_crm.adoption.catalogue import StoredTable
from cvety_crm.adoption.rows import Row, read_rows

MOST_NAMED = 20
"""The number of rows that a refusal names. The number of all of them is also given."""


@dataclass(slots=True)
class Tally:
    """What becomes of the rows of a table."""

    stored: int = 0
    """The number of new rows."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """The number of rows for each thing that becomes of them. A row may have several."""
    refused: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The rows that stop the adoption, by the reason."""
    values: dict[str, Counter[str]] = field(default_factory=dict)
    """The earlier values that are translated, with the number of rows, by the name of the column."""
    details: dict[str, Any] = field(default_factory=dict)
    """What later steps must know, as JSON. It is stored with the step."""

    def refuse(self, reason: str, row: str) -> None:
        """Record that this row stops the adoption."""
        self.refused[reason].append(row)


@dataclass(frozen=True, slots=True)
class Options:
    """What the owner has decided."""

    statuses: Mapping[str, str] = field(default_factory=dict)
    """Our status for each status of the earlier CRM that is not known."""
    keeps_newest: bool = False
    """Whether the newest of several rows with one id of the site keeps it."""


class Context:
    """The earlier tables, the options, and what the steps before have found."""

    def __init__(
        self, tables: Mapping[str, StoredTable], schemas: Mapping[str, str], options: Options, *, is_applied: bool
    ) -> None:
        """Take the earlier tables, and the schema in which each of them is now."""
        self.tables = tables
        self.options = options
        self.is_applied = is_applied
        """Whether rows are written."""
        self.details: dict[str, dict[str, Any]] = {}
        """`Tally.details` of the steps before, by the name of the step."""
        self._schemas = schemas

    def batches(self, table: str, *, order_by: tuple[str, ...] = ()) -> Iterator[list[Row]]:
        """Yield the rows of an earlier table in batches, or nothing if there is no such table.

        They are sorted by those of the columns that the table has.
        """
        if table in self.tables:
            known = tuple(name for name in order_by if name in self.tables[table].columns)
            yield from read_rows(self._schemas[table], table, order_by=known)

    def distinct(self, table: str, column: str) -> set[str]:
        """Return the different values of a column as text, or an empty set if there is no such column."""
        if table not in self.tables or column not in self.tables[table].columns:
            return set()
        quote = connection.ops.quote_name
        source = f"{quote(self._schemas[table])}.{quote(table)}"
        with connection.cursor() as cursor:
            statement = f"SELECT DISTINCT t.{quote(column)}::text FROM {source} t"  # noqa: S608 - quoted names
            cursor.execute(f"{statement} WHERE t.{quote(column)} IS NOT NULL")
            return {value for (value,) in cursor.fetchall()}


class Step(ABC):
    """The adoption of one earlier table, or of one kind of its rows."""

    name: ClassVar[str]
    """The name under which the step is recorded as complete."""
    table: ClassVar[str]
    title: ClassVar[str | Promise]
    """What the rows become, such as "orders"."""
    model: ClassVar[type[models.Model]]
    read: ClassVar[Collection[str]]
    """The columns that the step reads. Others are unknown, and are kept."""
    order_by: ClassVar[tuple[str, ...]] = ()

    def run(self, context: Context) -> Tally:
        """Convert all rows, and store what became of them if the context says so. Return what becomes of them.

        The caller is in a transaction. If a row is refused, it must not be committed.
        """
        tally = Tally()
        self.prepare(context, tally)
        seen: set[UUID] = set()
        for batch in context.batches(self.table, order_by=self.order_by):
            self.convert([row for row in batch if _has_own_id(row, seen, tally)], context, tally)
        self.finish(context, tally)
        return tally

    def prepare(self, context: Context, tally: Tally) -> None:  # noqa: B027 - most steps need nothing
        """Read what the conversion needs."""

    @abstractmethod
    def convert(self, batch: Sequence[Row], context: Context, tally: Tally) -> None:
        """Convert rows, and store them if `context.is_applied`."""

    def finish(self, context: Context, tally: Tally) -> None:  # noqa: B027 - most steps need nothing
        """Do what is left after the last row."""


def _has_own_id(row: Row, seen: set[UUID], tally: Tally) -> bool:
    """Return whether the row has a UUID of its own. Otherwise it is refused."""
    if row.id is None:
        tally.refuse(gettext("the id is not a UUID"), row.text("id") or "–")
        return False
    if row.id in seen:
        tally.refuse(gettext("several rows have this id"), str(row.id))
        return False
    seen.add(row.id)
    return True


class SiteIds:
    """The ids on the site that the rows of a table have, of which each may be given to one new row."""

    def __init__(self, keeps_newest: bool) -> None:
        """Take whether the newest row keeps an id that several have. Otherwise all of them are refused."""
        self._keeps_newest = keeps_newest
        self._holders: dict[int, tuple[str, str]] = {}
        self._rows: dict[int, list[str]] = defaultdict(list)

    def add(self, site_id: int | None, row: Row) -> None:
        """Record the id of a row. The newest row is the one that was changed last."""
        if site_id is None:
            return
        self._rows[site_id].append(row.text("id"))
        age = (row.text("updated_at", "created_at"), row.text("id"))
        self._holders[site_id] = max(age, self._holders.get(site_id, ("", "")))

    def twins(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the ids that several rows have, with the rows, unless the newest keeps them."""
        for site_id, rows in self._rows.items():
            if len(rows) > 1 and not self._keeps_newest:
                yield site_id, rows

    def keeps(self, site_id: int | None, row: Row) -> bool:
        """Return whether the row keeps its id."""
        return site_id is not None and self._holders[site_id][1] == row.text("id")
