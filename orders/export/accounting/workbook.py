"""Orders, their items and their payments as one Excel file in the form that 1C imports.

Each sheet is a plain table: one row of headers, no totals, no merged cells, dates as dates and sums as numbers. A cell
is empty if its value is unknown. The rows are written to the disk one by one, so memory stays constant.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from django.conf import settings
from django.utils.translation import gettext

from orders.export.accounting.documents import PIECE, Document
from orders.export.cells import Cell, Kind
from orders.export.xlsx_file import COMPRESSION, cell_element
from orders.export.xlsx_parts import (
    HEAD,
    PLAIN_COUNT,
    PLAIN_SUM,
    STYLES,
    column_name,
    package_parts,
    plain_sheet_end,
    plain_sheet_start,
)

TEXT, DAY, MOMENT = STYLES[Kind.TEXT], STYLES[Kind.DATE], STYLES[Kind.MOMENT]
SUM, COUNT = PLAIN_SUM, PLAIN_COUNT
Column = tuple[str, int, int]
"""The header, the style of the values, and the width in characters."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet of the file: its columns, and the rows that an order has in it."""

    name: str
    columns: Sequence[Column]
    rows: Callable[[Document], Iterator[Sequence[Cell]]]


def write_workbook(
    documents: Iterable[Document], file: IO[bytes], *, now: datetime, on_progress: Callable[[int], None]
) -> int:
    """Write the three sheets, and return the number of orders. `now` is stored as the creation time of the file."""
    count, sheets = 0, _sheets()
    with ExitStack() as opened:
        # An order has rows in all sheets, and a ZIP file is written one part after the other.
        parts = [opened.enter_context(TemporaryFile()) for _sheet in sheets]
        places = [1] * len(sheets)
        for index, (one, part) in enumerate(zip(sheets, parts, strict=True)):
            part.write(_head(one, is_first=index == 0).encode())
        for count, document in enumerate(documents, start=1):
            for index, (one, part) in enumerate(zip(sheets, parts, strict=True)):
                for cells in one.rows(document):
                    places[index] += 1
                    part.write(_row(one, places[index], cells).encode("utf-8", "replace"))
            on_progress(count)
        with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=COMPRESSION) as book:
            for number, (one, part) in enumerate(zip(sheets, parts, strict=True), start=1):
                part.write(plain_sheet_end(len(one.columns)).encode())
                part.seek(0)
                with book.open(f"xl/worksheets/sheet{number}.xml", "w") as target:
                    shutil.copyfileobj(part, target)
            title = gettext("Orders, items and payments for 1C")
            for name, text in package_parts(title, now.astimezone(UTC), [one.name for one in sheets]).items():
                book.writestr(name, text)
    return count


def _head(one: _Sheet, *, is_first: bool) -> str:
    start = plain_sheet_start(
        [width for _header, _style, width in one.columns],
        [style for _header, style, _width in one.columns],
        is_first=is_first,
    )
    cells = [
        cell_element(f"{column_name(place)}1", header, HEAD, text_style=HEAD)
        for place, (header, _style, _width) in enumerate(one.columns)
    ]
    return f'{start}<row r="1">{"".join(cells)}</row>'


def _row(one: _Sheet, row: int, cells: Sequence[Cell]) -> str:
    made = [
        cell_element(f"{column_name(place)}{row}", cell, style, text_style=TEXT)
        for place, (cell, (_header, style, _width)) in enumerate(zip(cells, one.columns, strict=True))
    ]
    return f'<row r="{row}">{"".join(made)}</row>'


def _sheets() -> tuple[_Sheet, ...]:
    number, day = (gettext("Order number"), TEXT, 12), (gettext("Order date"), DAY, 12)
    key = (gettext("Order id"), TEXT, 38)
    person = ((gettext("Counterparty"), TEXT, 28), (gettext("BIN/IIN"), TEXT, 14))
    currency, method = (gettext("Currency"), TEXT, 9), (gettext("Payment method"), TEXT, 18)
    return (
        _Sheet(
            gettext("Orders"),
            (
                number,
                day,
                key,
                (gettext("Id on the site"), COUNT, 12),
                *person,
                (gettext("Phone"), TEXT, 16),
                (gettext("E-mail address"), TEXT, 24),
                (gettext("Delivery date"), DAY, 12),
                (gettext("Status"), TEXT, 18),
                (gettext("Cancelled"), TEXT, 10),
                currency,
                (gettext("Sum of the order"), SUM, 14),
                (gettext("Delivery fee"), SUM, 12),
                (gettext("Discount"), SUM, 12),
                (gettext("Paid amount"), SUM, 14),
                method,
                (gettext("Shop"), TEXT, 18),
            ),
            _order_rows,
        ),
        _Sheet(
            gettext("Lines"),
            (
                number,
                day,
                key,
                (gettext("Line number"), COUNT, 8),
                *person,
                (gettext("Nomenclature"), TEXT, 40),
                (gettext("Nomenclature id"), TEXT, 38),
                (gettext("Product id on the site"), COUNT, 12),
                (gettext("Nomenclature kind"), TEXT, 10),
                (gettext("Quantity"), COUNT, 12),
                (gettext("Unit"), TEXT, 8),
                (gettext("Price"), SUM, 14),
                (gettext("Sum"), SUM, 14),
                (gettext("VAT rate"), TEXT, 12),
                currency,
            ),
            _line_rows,
        ),
        _Sheet(
            gettext("Payments"),
            (
                (gettext("Payment date"), MOMENT, 17),
                number,
                day,
                key,
                (gettext("Payment id"), TEXT, 38),
                *person,
                (gettext("Operation"), TEXT, 14),
                method,
                (gettext("Sum"), SUM, 14),
                currency,
                (gettext("Taken by"), TEXT, 20),
                (gettext("Reason"), TEXT, 30),
            ),
            _payment_rows,
        ),
    )


def _order_rows(order: Document) -> Iterator[Sequence[Cell]]:
    person = order.person
    yield (
        *(order.number, order.created_at.date(), str(order.key), order.site_id),
        *(person.name, None, person.phone, person.email),
        order.delivery_date,
        order.status_name,
        gettext("yes") if order.is_cancelled else gettext("no"),
        order.currency,
        *(order.total, order.delivery_fee, order.discount, order.paid),
        order.method,
        order.shop,
    )


def _line_rows(order: Document) -> Iterator[Sequence[Cell]]:
    for number, line in enumerate(order.lines, start=1):
        yield (
            *(order.number, order.created_at.date(), str(order.key), number),
            *(order.person.name, None, line.name),
            None if line.is_service else line.site_key,
            line.product_id,
            gettext("service") if line.is_service else gettext("goods"),
            line.quantity,
            "" if line.is_service else PIECE,
            *(line.price, line.amount, settings.ACCOUNTING_VAT, order.currency),
        )


def _payment_rows(order: Document) -> Iterator[Sequence[Cell]]:
    for payment in order.payments:
        yield (
            *(payment.paid_at, order.number, order.created_at.date(), str(order.key), str(payment.key)),
            *(order.person.name, None),
            gettext("refund") if payment.is_refund else gettext("receipt of money"),
            *(payment.method_label, payment.amount, order.currency, payment.taken_by, payment.reason),
        )
