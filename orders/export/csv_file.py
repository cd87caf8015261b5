"""The table as CSV for a Russian Excel: UTF-8 with a byte order mark, `;` as separator, CRLF, decimal comma.

A string that a spreadsheet might run as a formula gets an apostrophe in front. This includes phones (`+7…`), so a
spreadsheet does not convert them to numbers without a plus. A program that reads the file must remove the apostrophe.
"""

import csv
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from io import StringIO
from typing import IO, Any

from orders.export.cells import Cell, Kind
from orders.export.opened import OpenExport

CONTENT_TYPE = "text/csv; charset=utf-8"
BYTE_ORDER_MARK = "\ufeff"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""The characters with which formulas begin (OWASP, "CSV Injection"), including their full-width forms."""


def write(export: OpenExport, file: IO[bytes], on_progress: Callable[[int], None]) -> int:
    """Write a header and the rows. Return the number of rows."""
    file.write((BYTE_ORDER_MARK + _lines([[safe_text(str(column.header))] for column in export.columns])).encode())
    rows = 0
    shares = [column.kind == Kind.SHARE for column in export.columns]
    for block in export.blocks():
        text = _lines(
            [
                [_share(cell) if is_share else _text(cell) for cell in cells]
                for cells, is_share in zip(block, shares, strict=True)
            ]
        )
        file.write(text.encode())
        rows += len(block[0])
        on_progress(rows)
    return rows


def safe_text(text: str) -> str:
    """Return the string, with an apostrophe in front if a spreadsheet might run the string as a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text


def _lines(columns: list[list[str]]) -> str:
    lines = StringIO()
    csv.writer(lines, delimiter=";", lineterminator="\r\n").writerows(zip(*columns, strict=True))
    return lines.getvalue()


def _share(cell: Cell) -> str:
    return f"{100 * cell:.1f}%".replace(".", ",") if isinstance(cell, int | float | Decimal) else _text(cell)


def _text(cell: Cell) -> str:
    """Return a cell as text."""
    # The commonest types come first, because this function is called for each cell.
    if type(cell) is str:
        return safe_text(cell) if cell else cell
    if cell is None:
        return ""
    make = _TEXTS.get(type(cell))
    return make(cell) if make is not None else safe_text(str(cell))


@lru_cache(maxsize=10_000)
def _decimal(value: Decimal) -> str:
    return f"{value:.0f}" if value % 1 == 0 else f"{value:.2f}".replace(".", ",")


@lru_cache(maxsize=10_000)
def _day(value: date) -> str:
    return f"{value:%d.%m.%Y}"


def _moment(value: datetime) -> str:
    return f"{_day(value.date())} {value.hour:02}:{value.minute:02}"


def _duration(value: timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


_TEXTS: dict[type, Callable[[Any], str]] = {
    int: str,
    float: lambda value: _decimal(Decimal(str(value))),
    Decimal: _decimal,
    datetime: _moment,
    date: _day,
    timedelta: _duration,
}
