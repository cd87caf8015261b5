"""What an exported table is: its columns, who may export it, and how its rows are read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.http import QueryDict

from cvety_crm.users import AnyUser
from orders.export.cells import Cell, Kind
from orders.export.pages import Page
from orders.export.reader import Reader

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise  # the stubs are not installed in production

Fact = tuple[str, str]
"""A label and a text, such as `Period` and `01.11.2026 – 30.11.2026`."""
Block = Sequence[Sequence[Cell]]
"""Some rows as columns: a sequence of cells for each column, all of the same length."""


class NoSuchTableError(Exception):
    """The error that a table, a column or a format does not exist, or that the filters do not fit the table."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Its key is stored in templates, so it never changes."""

    key: str
    header: "StrOrPromise"
    kind: Kind
    width: int
    """The width of the column in characters."""
    fields: tuple[str, ...] = ()
    """The fields that the column needs of each row."""
    cells: Callable[[Page, Reader], Sequence[Cell]] = lambda page, _reader: [None] * len(page)
    """Returns the cells of a page for a reader, one for each row."""
    is_default: bool = True
    """Whether an export has the column if no columns were chosen."""
    is_summed: bool = False
    """Whether the values are added up in a file with totals."""
    hides: str = ""
    """`phones` or `prices`, if the reader may not see all cells of the column without the permission for them."""


@dataclass(frozen=True, slots=True)
class Content:
    """The rows of a table that were found for a reader and the parameters of a page."""

    count: int
    """The number of rows. Rows that are deleted while the file is written are left out of it."""
    blocks: Callable[[Sequence[Column]], Iterator[Block]]
    """Yields the cells of these columns, block by block."""
    facts: tuple[Fact, ...] = ()
    """The period and the filters as texts."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers of columns that depend on the rows, by the keys of the columns."""
    hidden: frozenset[str] = frozenset()
    """The keys of the columns that the reader may not see, or that have no meaning for these rows."""
    totals: Mapping[str, Cell] | None = None
    """The totals by the keys of the columns, or None if they are the sums of the cells."""


@dataclass(frozen=True, slots=True)
class ExportTable:
    """A table that can be exported."""

    key: str
    label: "StrOrPromise"
    columns: tuple[Column, ...]
    may_export: Callable[[AnyUser], bool]
    find: Callable[[Reader, QueryDict], Content]
    """Returns the rows for the parameters of the table's page. Raises `NoSuchTableError` if they do not fit."""
    file_name: str = "vygruzka"
    """The first part of the file's name, in Latin letters."""
    formats: tuple[str, ...] = ("xlsx", "csv")
    """The keys of the formats in which the table can be written."""
    hides: tuple[str, ...] = ()
    """What the columns of a table hide (`Column.hides`) whose formats have columns of their own."""
    page: str = ""
    """The name of the URL of the page with the same rows. Tables of the same page are offered together."""
    page_arguments: tuple[Any, ...] = ()
    has_period: bool = False
    """Whether the page of the export asks for the period (`from` and `to`), because no other page does."""

    def default_keys(self) -> tuple[str, ...]:
        """Return the keys of the columns of an export for which no columns were chosen."""
        return tuple(column.key for column in self.columns if column.is_default)

    def chosen(self, keys: Sequence[str]) -> tuple[Column, ...]:
        """Return the columns with these keys, in this order, or the default ones if none of the keys is known.

        Keys of columns that no longer exist are left out, because a template may be older than the table.
        """
        by_key = {column.key: column for column in self.columns}
        found = tuple(by_key[key] for key in dict.fromkeys(keys) if key in by_key)
        return found or tuple(column for column in self.columns if column.is_default)
