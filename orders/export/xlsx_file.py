"""The table as XLSX, written row by row. Each value has a type, and no string becomes a formula.

The XML of the rows is made here, column by column, because a library that writes cell by cell takes several times as
long: for 50,000 rows with 33 columns, XlsxWriter took 20 seconds of processor time, and this module 6. Strings are in
the cells (`inlineStr`), so memory does not grow with the number of rows.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from django.utils.translation import gettext

from orders.export.cells import Cell, Kind
from orders.export.opened import OpenExport
from orders.export.table import Column
from orders.export.xlsx_parts import (
    BOLD,
    HEAD,
    STYLES,
    WITH_FRACTION,
    column_name,
    details_sheet,
    package_parts,
    sheet_end,
    sheet_start,
    text_element,
)

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_TEXT = 32_767
"""The maximum number of characters in a cell of XLSX. Excel refuses a file with a longer one."""
COMPRESSION = 4
_EPOCH = date(1899, 12, 30).toordinal()
_FIRST_DAY = 61
"""1 March 1900. Excel counts the days before it wrongly, so they are written as texts."""


def write(export: OpenExport, file: IO[bytes], on_progress: Callable[[int], None]) -> int:
    """Write a header, the rows and the totals, and a sheet with the facts of the export. Return the number of rows."""
    columns = export.columns
    rows, sums = 0, _Sums(columns)
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=COMPRESSION) as book:
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write((sheet_start([column.width for column in columns]) + _head(columns)).encode())
            for block in export.blocks():
                sums.add(block)
                sheet.write(_rows(block, columns, first=rows + 2).encode("utf-8", "replace"))
                rows += len(block[0])
                on_progress(rows)
            totals = export.content.totals if export.content.totals is not None else sums.totals()
            sheet.write(_totals(totals, columns, row=rows + 2).encode())
            sheet.write(sheet_end(len(columns), rows + 1).encode())
        facts = export.facts(rows)
        book.writestr("xl/worksheets/sheet2.xml", details_sheet(facts))
        names = [export.title, gettext("Details")]
        created = export.opened_at.astimezone(UTC)
        for name, text in package_parts(export.title, created, names, (len(columns), rows + 1)).items():
            book.writestr(name, text)
    return rows


class _Sums:
    """The sums of the columns that are added up. Texts, such as `unknown`, are not added."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._places = [(place, column.key) for place, column in enumerate(columns) if column.is_summed]
        self._sums: dict[str, Decimal | int] = {}

    def add(self, block: Sequence[Sequence[Cell]]) -> None:
        """Add the cells of a block."""
        for place, key in self._places:
            numbers = [cell for cell in block[place] if isinstance(cell, int | Decimal)]
            if numbers:
                self._sums[key] = self._sums.get(key, 0) + sum(numbers)

    def totals(self) -> dict[str, Cell]:
        """Return the sums by the keys of the columns."""
        return dict(self._sums)


def _head(columns: Sequence[Column]) -> str:
    cells = [_string(place, 1, str(column.header), HEAD) for place, column in enumerate(columns)]
    return f'<row r="1">{"".join(cells)}</row>'


def _totals(totals: Mapping[str, Cell], columns: Sequence[Column], row: int) -> str:
    """Return the row with the totals, or an empty string if nothing is added up."""
    cells = [
        _cell(column_name(place), row, totals[column.key], column.kind, bold=True) if column.key in totals else ""
        for place, column in enumerate(columns)
    ]
    if not any(cells):
        return ""
    if not cells[0]:
        cells[0] = _string(0, row, gettext("Total"), STYLES[Kind.TEXT] + BOLD)
    return f'<row r="{row}">{"".join(cells)}</row>'


def _string(place: int, row: int, text: str, style: int) -> str:
    return cell_element(f"{column_name(place)}{row}", text, style, text_style=style)


def _rows(block: Sequence[Sequence[Cell]], columns: Sequence[Column], first: int) -> str:
    numbers = range(first, first + len(block[0]))
    xml = [_column(column_name(place), numbers, cells, columns[place].kind) for place, cells in enumerate(block)]
    return "".join([f'<row r="{number}">{"".join(cells)}</row>' for number, *cells in zip(numbers, *xml, strict=True)])


def _column(name: str, numbers: range, cells: Sequence[Cell], kind: Kind) -> list[str]:
    """Return the XML of the cells of a column. Empty cells have none."""
    text_style = STYLES[kind if kind in (Kind.TEXT, Kind.PHONE) else Kind.TEXT]
    before, after = f'" s="{text_style}" t="inlineStr"><is>', "</is></c>"
    longest = LONGEST_TEXT
    return [
        (
            f'<c r="{name}{number}{before}{text_element(cell if len(cell) <= longest else _cut(cell))}{after}'
            if type(cell) is str
            else _cell(name, number, cell, kind)
        )
        if cell is not None and cell != ""
        else ""
        for number, cell in zip(numbers, cells, strict=True)
    ]


def _cell(name: str, row: int, cell: Cell, kind: Kind, *, bold: bool = False) -> str:
    """Return the XML of a cell with a number, a date or a text."""
    style = STYLES[kind]
    if isinstance(cell, Decimal | float) and cell % 1:
        style = WITH_FRACTION.get(kind, style)
    more = BOLD if bold else 0
    return cell_element(f"{name}{row}", cell, style + more, text_style=STYLES[Kind.TEXT] + more)


def cell_element(place: str, cell: Cell, style: int, *, text_style: int) -> str:
    """Return the XML of a cell, such as `B7`, with a number, a date or a text. An empty cell has none."""
    number = ""
    match cell:
        case None | "":
            return ""
        case Decimal():
            number = f"{cell:f}"
        case float() | int():
            number = repr(cell)
        case date():
            number = _serial(cell)
        case timedelta():
            number = repr(cell.total_seconds() / 86400)
        case _:
            pass
    if number:
        return f'<c r="{place}" s="{style}"><v>{number}</v></c>'
    text = f"{cell:%d.%m.%Y}" if isinstance(cell, date) else str(cell)
    return f'<c r="{place}" s="{text_style}" t="inlineStr"><is>{text_element(_cut(text))}</is></c>'


def _serial(day: date) -> str:
    """Return the number by which Excel stores a day or a moment, or an empty string if it can't."""
    days = day.toordinal() - _EPOCH
    if days < _FIRST_DAY:
        return ""
    if isinstance(day, datetime):
        return repr(days + (day.hour * 3600 + day.minute * 60 + day.second) / 86400)
    return str(days)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"
