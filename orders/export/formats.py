"""The formats of files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from orders.export import csv_file, xlsx_file
from orders.export.accounting import commerceml
from orders.export.accounting.files import write_for_1c, write_xml
from orders.export.opened import OpenExport

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise  # the stubs are not installed in production

OnProgress = Callable[[int], None]
"""Is called with the number of rows that have been written. What it raises ends the writing."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format of files. `write` writes an export to a file, and returns the number of rows."""

    key: str
    label: "StrOrPromise"
    extension: str
    content_type: str
    write: Callable[[OpenExport, IO[bytes], OnProgress], int]


FORMATS: Mapping[str, ExportFormat] = {
    one.key: one
    for one in (
        ExportFormat("xlsx", "Excel", "xlsx", xlsx_file.CONTENT_TYPE, xlsx_file.write),
        ExportFormat("csv", "CSV", "csv", csv_file.CONTENT_TYPE, csv_file.write),
        ExportFormat("accounting", _("Excel for 1C"), "xlsx", xlsx_file.CONTENT_TYPE, write_for_1c),
        ExportFormat("commerceml", "CommerceML (XML)", "xml", commerceml.CONTENT_TYPE, write_xml),
    )
}
"""The formats by their keys. A table names the formats in which it can be written."""
