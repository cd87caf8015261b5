"""Orders, their items and their payments as one Excel file in the form that 1C imports.

Each sheet is a plain table: one row of headers, no totals, no merged cells, dates as dates and sums as numbers. A cell
is empty if its value is unknown. The rows are written to the disk one by one, so memory stays constant.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from orders.export.accounting.documents import PIECE, Document

LONGEST_TEXT = 32_767
"""The maximum number of characters in a cell. The writer would leave out a longer text without an error."""
TEXT, DAY, MOMENT, SUM, COUNT = "@", "dd.mm.yyyy", "dd.mm.yyyy hh:mm", "0.00", "0.###"
Cell = str | Decimal | int | date | datetime | None
Column = tuple[str, str, int]
"""The header, the format of the values, and the width in characters."""


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
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    count = 0
    with xlsxwriter.Workbook(file, options) as book:
        created = timezone.localtime(now).replace(tzinfo=None)
        book.set_properties({"title": gettext("Orders, items and payments for 1C"), "created": created})
        formats = {code: book.add_format({"num_format": code}) for code in (TEXT, DAY, MOMENT, SUM, COUNT)}
        head = book.add_format({"bold": True})
        sheets = [(one, _begin(book, one, formats, head)) for one in _sheets()]
        places = [0] * len(sheets)
        for count, document in enumerate(documents, start=1):
            for index, (one, sheet) in enumerate(sheets):
                for cells in one.rows(document):
                    places[index] += 1
                    _write(sheet, places[index], cells)
            on_progress(count)
    return count


def _begin(book: Any, one: _Sheet, formats: dict[str, Any], head: Any) -> Any:
    sheet = book.add_worksheet(one.name)
    for place, (header, code, width) in enumerate(one.columns):
        sheet.set_column(place, place, width, formats[code])
        sheet.write_string(0, place, header, head)
    sheet.freeze_panes(1, 0)
    # Numbers of orders and phones are texts on purpose, so Excel must not mark them as errors.
    last = xlsxwriter.utility.xl_col_to_name(len(one.columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:{last}1048576"})
    return sheet


def _write(sheet: Any, row: int, cells: Sequence[Cell]) -> None:
    for place, value in enumerate(cells):
        match value:
            case None | "":
                continue
            case Decimal() | int():
                sheet.write_number(row, place, float(value))
            case date():
                sheet.write_datetime(row, place, value)
            case _:
                sheet.write_string(row, place, value[:LONGEST_TEXT])


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
