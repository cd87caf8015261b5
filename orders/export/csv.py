"""The table as CSV for a Russian Excel: UTF-8 with a byte order mark, `;` as separator, CRLF, decimal comma.

A string that a spreadsheet might run as a formula gets an apostrophe in front. This includes phones (`+7…`), so a
spreadsheet does not convert them to numbers without a plus. A program that reads the file must remove the apostrophe.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from orders.export.columns import Cell, Column

CONTENT_TYPE = "text/csv; charset=utf-8"
BYTE_ORDER_MARK = "\ufeff"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""The characters with which formulas begin (OWASP, "CSV Injection"), including their full-width forms."""


class _Line:
    """A file object for `csv.writer` whose `write` returns the string instead of storing it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[Sequence[Cell]], columns: Sequence[Column]) -> Iterator[bytes]:
    """Yield the file line by line: a header, then the rows."""
    writer = csv.writer(_Line(), delimiter=";", lineterminator="\r\n")
    yield (BYTE_ORDER_MARK + writer.writerow([safe_text(str(column.header)) for column in columns])).encode()
    for row in rows:
        yield writer.writerow([_cell(value) for value in row]).encode()


def safe_text(text: str) -> str:
    """Return the string, with an apostrophe in front if a spreadsheet might run the string as a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text


def _cell(value: Cell) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:.0f}" if value % 1 == 0 else f"{value:.2f}".replace(".", ",")
        case datetime():
            return f"{value:%d.%m.%Y %H:%M}"
        case date():
            return f"{value:%d.%m.%Y}"
        case int():
            return str(value)
        case _:
            return safe_text(value)
