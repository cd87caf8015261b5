"""The formats of files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

from orders.export import csv_file, xlsx_file
from orders.export.opened import OpenExport

OnProgress = Callable[[int], None]
"""Is called with the number of rows that have been written. What it raises ends the writing."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format of files. `write` writes an export to a file, and returns the number of rows."""

    key: str
    label: str
    extension: str
    content_type: str
    write: Callable[[OpenExport, IO[bytes], OnProgress], int]


FORMATS: Mapping[str, ExportFormat] = {
    one.key: one
    for one in (
        ExportFormat("xlsx", "Excel", "xlsx", xlsx_file.CONTENT_TYPE, xlsx_file.write),
        ExportFormat("csv", "CSV", "csv", csv_file.CONTENT_TYPE, csv_file.write),
    )
}
"""The formats by their keys. A table names the formats in which it can be written."""
