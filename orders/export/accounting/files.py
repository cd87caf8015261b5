"""The file formats for accountants. Their rows are not those of one table, so they read the orders themselves."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO
from uuid import UUID

from orders.export.accounting.commerceml import write_commerceml
from orders.export.accounting.documents import Document, read_documents
from orders.export.accounting.workbook import write_workbook
from orders.export.opened import OpenExport
from orders.export.table import Content


@dataclass(frozen=True, slots=True)
class FoundOrders(Content):
    """The orders that were found, which a format for accountants reads with their items and payments."""

    keys: Sequence[UUID] = ()


def write_for_1c(export: OpenExport, file: IO[bytes], on_progress: Callable[[int], None]) -> int:
    """Write the sheets that 1C imports, and return the number of orders."""
    return write_workbook(_documents(export), file, now=export.opened_at, on_progress=on_progress)


def write_xml(export: OpenExport, file: IO[bytes], on_progress: Callable[[int], None]) -> int:
    """Write CommerceML, and return the number of orders."""
    return write_commerceml(_documents(export), file, now=export.opened_at, on_progress=on_progress)


def _documents(export: OpenExport) -> Iterator[Document]:
    content = export.content
    assert isinstance(content, FoundOrders), "only the table for accountants has these formats"
    return read_documents(content.keys, export.reader)
