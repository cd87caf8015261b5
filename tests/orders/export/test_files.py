"""Tests of the two file formats with any cells: no cell is a formula, and each value can be read again."""

import csv
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from types import SimpleNamespace

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from orders.export import csv_file, xlsx_file
from orders.export.cells import Kind
from orders.export.table import Column, Content
from orders.export.xlsx_parts import column_name, sheet_name

COLUMNS = tuple(Column(kind.name, kind.name, kind, 10, is_summed=kind in (Kind.MONEY, Kind.NUMBER)) for kind in Kind)
FORMULAS = ("=1+1", " =1", "+7", "-1", "@x", "\t=1", "＝1", "_x000D_", " a ")
TEXTS = st.text(max_size=30) | st.sampled_from(FORMULAS)
CELLS = st.none() | TEXTS | st.decimals(-(10**9), 10**9, places=2) | st.integers(0, 10**6)
NUMERIC = (Kind.TEXT, Kind.MONEY, Kind.NUMBER)
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def export_of(blocks, columns=COLUMNS, totals=None):
    content = Content(0, lambda _columns: iter(blocks), totals=totals)
    return SimpleNamespace(columns=columns, content=content, title="Таблица", opened_at=timezone.now(),
                           blocks=lambda: iter(blocks), facts=lambda rows: [("=Что", "=1+1")])  # fmt: skip


def xlsx_of(blocks, **options):
    file = BytesIO()
    xlsx_file.write(export_of(blocks, **options), file, lambda _rows: None)
    return load_workbook(file)


def csv_of(blocks, **options):
    file = BytesIO()
    csv_file.write(export_of(blocks, **options), file, lambda _rows: None)
    return list(csv.reader(StringIO(file.getvalue().decode("utf-8-sig"), newline=""), delimiter=";"))


@settings(max_examples=150, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=4))
def test_no_cell_is_a_formula(cells):
    texts = [cell if isinstance(cell, str) else None for cell in cells]
    block = [cells if column.kind in NUMERIC else texts for column in COLUMNS]
    book = xlsx_of([block])
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    first, *rest = book.worksheets[0].iter_rows(min_row=2, max_row=1 + len(cells), max_col=1)
    for cell, (found,) in zip(cells, [first, *rest], strict=True):
        if isinstance(cell, Decimal | int):
            assert Decimal(str(found.value)) == cell
        elif cell and cell.isprintable() and "_x" not in cell:
            assert found.value == cell
    for line in csv_of([block])[1:]:
        for text in line:
            is_number = text.replace(",", "", 1).lstrip("-").isdecimal()
            assert is_number or not text.lstrip(" ").startswith(DANGEROUS)


def test_values_keep_their_types():
    columns = (
        Column("day", "Д", Kind.DATE, 10),
        Column("moment", "М", Kind.MOMENT, 10),
        Column("share", "Доля", Kind.SHARE, 10),
        Column("duration", "Время", Kind.DURATION, 10),
        Column("sum", "Сумма", Kind.MONEY, 10, is_summed=True),
    )
    block = [
        [date(2025, 8, 25), date(1899, 1, 1)],
        [datetime(2025, 8, 25, 12, 30), None],  # noqa: DTZ001 - spreadsheets know no zones
        [0.125, None],
        [timedelta(hours=26, minutes=5), None],
        [Decimal("1500.50"), "неизвестно"],
    ]
    sheet = xlsx_of([block], columns=columns).worksheets[0]
    assert [cell.value for cell in sheet[2]] == [
        datetime(2025, 8, 25), datetime(2025, 8, 25, 12, 30), 0.125, timedelta(hours=26, minutes=5), 1500.5,  # noqa: DTZ001
    ]  # fmt: skip
    assert [cell.number_format for cell in sheet[2]] == [
        "dd.mm.yyyy", "dd.mm.yyyy hh:mm", "0.0%", "[h]:mm:ss", "#,##0.00",
    ]  # fmt: skip
    assert [cell.value for cell in sheet[3]] == ["01.01.1899", None, None, None, "неизвестно"]
    assert (sheet["A4"].value, sheet["E4"].value, sheet["E4"].font.bold) == ("Итого", 1500.5, True)
    assert sheet.auto_filter.ref == "A1:E3"
    assert sheet.freeze_panes == "B2"
    assert all(cell.font.bold for cell in sheet[1])
    assert csv_of([block], columns=columns)[1] == ["25.08.2025", "25.08.2025 12:30", "12,5%", "26:05:00", "1500,50"]


def test_totals_of_the_content_are_used():
    columns = (Column("label", "Строка", Kind.TEXT, 10), Column("sum", "Сумма", Kind.MONEY, 10))
    sheet = xlsx_of([[["a"], [Decimal(1)]]], columns=columns, totals={"sum": Decimal(5)}).worksheets[0]
    assert (sheet["A3"].value, sheet["B3"].value) == ("Итого", 5)
    assert xlsx_of([[["a"], [Decimal(1)]]], columns=columns, totals={}).worksheets[0].max_row == 2


@pytest.mark.parametrize(("place", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_column_names(place, name):
    assert column_name(place) == name


@pytest.mark.parametrize(("text", "name"), [("Отчёт: по дням", "Отчёт  по дням"), ("а" * 40, "а" * 31), ("[]", "1")])
def test_sheet_names(text, name):
    assert sheet_name(text) == name
