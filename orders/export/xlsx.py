"""The table as XLSX, written row by row to a file on disk. Each value has a type, and no string becomes a formula."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO

import xlsxwriter
from django.utils.translation import gettext

from orders.export.columns import Cell, Column, Kind

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_TEXT = 32_767
"""The maximum number of characters in a cell of XLSX. The writer would cut off a longer string without an error."""
_FORMATS = {
    Kind.TEXT: "@",
    Kind.PHONE: "@",
    Kind.DATE: "dd.mm.yyyy",
    Kind.MOMENT: "dd.mm.yyyy hh:mm",
    Kind.MONEY: "#,##0",
    Kind.KEY: "0",
}
_WITH_TIYN = "#,##0.00"


def write_xlsx(rows: Iterable[Sequence[Cell]], file: IO[bytes], columns: Sequence[Column], *, now: datetime) -> None:
    """Write a header and the rows to the file. `now` is stored as the creation time of the file."""
    # `constant_memory`: each row is written to the disk when the next one begins.
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"title": gettext("Orders"), "created": now})
        sheet = book.add_worksheet(gettext("Orders"))
        formats = {kind: book.add_format({"num_format": code, "valign": "top"}) for kind, code in _FORMATS.items()}
        with_tiyn = book.add_format({"num_format": _WITH_TIYN, "valign": "top"})
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#EDE9FE", "bottom": 1})
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
            sheet.write_string(0, place, str(column.header), head)
        last = 0
        for last, row in enumerate(rows, start=1):
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                style = formats[column.kind]
                match value:
                    case None | "":
                        continue
                    case Decimal():
                        sheet.write_number(last, place, float(value), style if value % 1 == 0 else with_tiyn)
                    case int():
                        sheet.write_number(last, place, value, style)
                    case date():
                        sheet.write_datetime(last, place, value, style)
                    case _:
                        sheet.write_string(last, place, _cut(value), style)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, last, len(columns) - 1)
        # Order numbers and phones are strings on purpose, so Excel must not mark them as errors.
        sheet.ignore_errors({"number_stored_as_text": f"A1:{_letters(len(columns))}{last + 1}"})
        sheet.set_landscape()
        sheet.repeat_rows(0)
        sheet.fit_to_pages(1, 0)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _letters(count: int) -> str:
    return str(xlsxwriter.utility.xl_col_to_name(count - 1))
