"""Open an export and write its file."""

from typing import IO

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.export.formats import FORMATS, ExportFormat, OnProgress
from orders.export.opened import OpenExport, shown_columns
from orders.export.reader import Reader
from orders.export.request import ExportRequest
from orders.export.table import ExportTable, NoSuchTableError
from orders.export.tables import TABLES


def table_of(export: ExportRequest) -> ExportTable:
    """Return the table of an export. Raise `NoSuchTableError` if there is no such table."""
    table = TABLES.get(export.table)
    if table is None:
        raise NoSuchTableError(export.table)
    return table


def format_of(export: ExportRequest) -> ExportFormat:
    """Return the format of an export. Raise `NoSuchTableError` if its table can't be written in this format."""
    found = FORMATS.get(export.format)
    if found is None or export.format not in table_of(export).formats:
        raise NoSuchTableError(export.format)
    return found


def open_export(export: ExportRequest) -> OpenExport:
    """Find the rows of an export.

    Raise `NotAllowedError` if the user may not export the table (any more), and `NoSuchTableError` if there is no such
    table or format, or if the filters do not fit.
    """
    table = table_of(export)
    format_of(export)
    user = User.objects.filter(pk=export.user_id, is_active=True, is_staff=True).first()
    if user is None or not table.may_export(user):
        raise NotAllowedError(gettext("This person may not export the table “%(table)s”.") % {"table": table.label})
    reader = Reader(user)
    content = table.find(reader, QueryDict(export.parameters))
    # Without a column that the reader may see, the file has all of those.
    columns = shown_columns(table.chosen(export.columns), content) or shown_columns(table.columns, content)
    return OpenExport(export, table, columns, content, reader, user, timezone.now())


def write_file(export: ExportRequest, file: IO[bytes], *, on_progress: OnProgress = lambda _rows: None) -> int:
    """Write the file of an export, and return the number of its rows. Memory does not grow with the number of rows.

    `on_progress` is called with the number of rows written so far. Raise the errors of `open_export`, and what
    `on_progress` raises.
    """
    return format_of(export).write(open_export(export), file, on_progress)


def file_name(export: ExportRequest) -> str:
    """Return the name of the file for the user, such as `zakazy-2026-11-30.xlsx`."""
    return f"{table_of(export).file_name}-{timezone.localdate():%Y-%m-%d}.{format_of(export).extension}"
