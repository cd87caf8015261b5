"""Tables whose rows are those of a list in the admin, found by the list's own filters and search."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils.module_loading import import_string

from cvety_crm.users import AnyUser
from orders.export.pages import Page, keys_of, read_pages
from orders.export.reader import Reader
from orders.export.table import Block, Column, Content, Fact


class Found(NamedTuple):
    """The rows that a list has found, sorted, and its filters as texts."""

    rows: QuerySet[Any]
    facts: tuple[Fact, ...]


Finder = Callable[[AnyUser, QueryDict], Found]


def listed(name: str) -> Finder:
    """Return the function that finds the rows of a list (`order`, `customer`, `product`).

    The admin, which has the filters, is above this package, so a setting names its functions.
    """
    return lambda user, query: import_string(settings.EXPORTED_LISTS[name])(user, query)


def finder(name: str, model: type[Model]) -> Callable[[Reader, QueryDict], Content]:
    """Return `ExportTable.find` for a table with one row for each row of a list."""
    find = listed(name)

    def content(reader: Reader, query: QueryDict) -> Content:
        found = find(reader.user, query)
        keys = keys_of(found.rows)

        def blocks(columns: Sequence[Column]) -> Iterator[Block]:
            needed = [name for column in columns for name in column.fields]
            for page in read_pages(model._default_manager.all(), keys, needed):
                yield block_of(columns, page, reader)

        return Content(len(keys), blocks, found.facts)

    return content


def block_of(columns: Sequence[Column], page: Page, reader: Reader) -> Block:
    """Return the cells of a page, column by column."""
    return [column.cells(page, reader) for column in columns]
