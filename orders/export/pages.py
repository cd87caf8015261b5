"""Pages of rows, read by their ids.

To limit memory, the ids of all rows are read first, and then the values in pages, with a constant number of queries for
each page. A server-side cursor is not used because it does not work with a connection pooler in transaction mode.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

PAGE = 1000
"""The number of rows in a page."""
_KEY_BYTES = 16
_TEXT_BYTES = 36
"""The length of an id as text, with its hyphens."""

T = TypeVar("T")


class Keys(Sequence[UUID]):
    """The ids of rows, sorted. They are stored in 16 bytes each, so that many of them need little memory."""

    def __init__(self, keys: bytes) -> None:
        self._bytes = keys

    def __len__(self) -> int:
        """Return the number of ids."""
        return len(self._bytes) // _KEY_BYTES

    def __getitem__(self, index: Any) -> Any:
        """Return the id at an index, or the list of the ids of a slice."""
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        start = range(len(self))[index] * _KEY_BYTES
        return UUID(bytes=self._bytes[start : start + _KEY_BYTES])


def keys_of(rows: QuerySet[Any]) -> Keys:
    """Return the ids of the rows, sorted as in the queryset, with one query.

    The query is a COPY, because the driver would keep the whole result of a SELECT in memory, in ten times the space.
    """
    keys = bytearray()
    try:
        sql, values = rows.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return Keys(b"")
    with (
        connections[rows.db].cursor() as cursor,
        cursor.copy(cursor.mogrify(f"COPY ({sql}) TO STDOUT", values)) as lines,
    ):
        for line in lines:
            keys += bytes.fromhex(bytes(line[:_TEXT_BYTES]).decode().replace("-", ""))
    return Keys(bytes(keys))


class Page:
    """The values of some rows, by the names of the fields that were read. `keys` are the ids of the rows."""

    def __init__(self, keys: Sequence[UUID], values: Mapping[str, Sequence[Any]]) -> None:
        self.keys = keys
        self._values = values
        self._computed: dict[Any, Any] = {}

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.keys)

    def __getitem__(self, field: str) -> Sequence[Any]:
        """Return the values of a field, one for each row."""
        return self._values[field]

    def once(self, make: Callable[["Page"], T]) -> T:
        """Return `make(page)`, which is computed once for all columns of the page."""
        if make not in self._computed:
            self._computed[make] = make(self)
        found: T = self._computed[make]
        return found


def read_pages(rows: QuerySet[Any], keys: Keys, fields: Iterable[str]) -> Iterator[Page]:
    """Yield the rows with these ids in pages, in the order of the ids. Rows that no longer exist are left out.

    `rows` is a queryset without filters, which may have annotations among the fields.
    """
    names = list(dict.fromkeys(fields))
    found = rows.order_by().values_list("pk", *names)
    for start in range(0, len(keys), PAGE):
        wanted = keys[start : start + PAGE]
        by_key = {values[0]: values for values in found.filter(pk__in=wanted)}
        kept = [by_key[key] for key in wanted if key in by_key]
        if kept:
            pks, *columns = zip(*kept, strict=True)
            yield Page(pks, dict(zip(names, columns, strict=True)))
