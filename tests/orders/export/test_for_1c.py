"""Tests of the Excel file that 1C imports."""

from datetime import datetime
from io import BytesIO

import pytest
from openpyxl import load_workbook

from cvety_crm.roles import ACCOUNTANT, FLORIST
from tests.orders.export.accounted import make_orders, written
from tests.roles import browser_of, everything_but, person

ORDERS, LINES, PAYMENTS = "Заказы", "Строки", "Платежи"


@pytest.fixture
def shop(db):
    return make_orders(person(ACCOUNTANT, "buh"))


def book_of(user):
    return load_workbook(BytesIO(written(user, "accounting")[0]))


def rows(book, sheet):
    head, *found = book[sheet].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in found]


def test_file_has_three_plain_tables(shop, manager):
    book = book_of(manager)

    assert book.sheetnames == [ORDERS, LINES, PAYMENTS]
    for sheet in book:
        head = [cell.value for cell in sheet[1]]
        assert all(isinstance(name, str) for name in head)
        assert len(set(head)) == len(head)
        assert not sheet.merged_cells.ranges
        assert sheet.freeze_panes == "A2"
        assert "БИН/ИИН" in head


def test_cells_have_the_formats_of_their_columns_also_empty_ones(shop, manager):
    book = book_of(manager)
    formats = {
        "Номер заказа": "@", "Дата заказа": "dd.mm.yyyy", "ID на сайте": "0.###", "Сумма заказа": "0.00",
        "Оплачено": "0.00",
    }  # fmt: skip
    head = {cell.value: cell for cell in book[ORDERS][1]}
    for name, code in formats.items():
        assert book[ORDERS].cell(2, head[name].column).number_format == code, name
    assert book[PAYMENTS]["A2"].number_format == "dd.mm.yyyy hh:mm"
    assert all(cell.font.bold for cell in head.values())
    # A BIN that an accountant enters keeps its zeros.
    assert book[ORDERS].column_dimensions[head["БИН/ИИН"].column_letter].number_format == "@"
    assert [sheet.auto_filter.ref for sheet in book] == [None] * 3
    assert book.properties.title == "Заказы, строки и платежи для 1С"


def test_orders_are_rows_with_typed_values(shop, manager):
    full, unknown, cancelled = rows(book_of(manager), ORDERS)

    assert full == {
        "Номер заказа": "122183",
        "Дата заказа": datetime(2026, 11, 29),  # noqa: DTZ001
        "Ид заказа": str(shop[0].pk),
        "ID на сайте": 122183,
        "Контрагент": "Айгерим & Ко <ТОО>",
        "БИН/ИИН": None,
        "Телефон": "+77771234567",
        "Адрес почты": "a@example.kz",
        "Дата доставки": datetime(2026, 11, 30),  # noqa: DTZ001
        "Статус": "Выполнен",
        "Отменён": "нет",
        "Валюта": "KZT",
        "Сумма заказа": 17000.5,
        "Доставка": 1500,
        "Скидка": 700,
        "Оплачено": 17000.5,
        "Способ оплаты": "Kaspi",
        "Магазин": "CVETYKZ",
    }
    assert (unknown["Сумма заказа"], unknown["Доставка"], unknown["Скидка"]) == (None, None, 0)
    assert (cancelled["Отменён"], cancelled["Валюта"], cancelled["Сумма заказа"]) == ("да", "USD", 100)


def test_lines_are_items_and_deliveries(shop, manager, settings):
    settings.ACCOUNTING_VAT = "Без НДС"
    found = rows(book_of(manager), LINES)

    names = ("Номер заказа", "Номер строки", "Номенклатура", "Ид номенклатуры", "Вид номенклатуры", "Количество",
             "Единица", "Цена", "Сумма", "Ставка НДС")  # fmt: skip
    assert [tuple(row[name] for name in names) for row in found] == [
        ("122183", 1, "=Букет «Стандарт»", "910e89e5#42", "товар", 2.5, "шт", 6200.2, 15500.5, "Без НДС"),
        ("122183", 2, "Открытка", "6", "товар", 1, "шт", None, None, "Без НДС"),
        ("122183", 3, "Доставка заказа", None, "услуга", 1, None, 1500, 1500, "Без НДС"),
        ("122184", 1, "Товар без названия", None, "товар", 1, "шт", 50, 50, "Без НДС"),
        ("122184", 2, "Доставка заказа", None, "услуга", 1, None, None, None, "Без НДС"),
    ]


def test_payments_have_positive_sums_and_a_kind(shop, manager):
    found = rows(book_of(manager), PAYMENTS)

    names = ("Дата платежа", "Номер заказа", "Вид операции", "Способ оплаты", "Сумма", "Принял", "Причина")
    assert [tuple(row[name] for name in names) for row in found] == [
        (datetime(2026, 11, 30, 9), "122183", "поступление", "Kaspi", 20000.5, "buh", None),  # noqa: DTZ001
        (datetime(2026, 11, 30, 10), "122183", "возврат", "наличные", 3000, None, "Скидка, +7 701 555-44-33"),  # noqa: DTZ001
        (datetime(2026, 11, 30, 11), "122183", "поступление", "сертификат", 10, None, None),  # noqa: DTZ001
    ]


def test_text_that_looks_like_a_formula_is_a_text(shop, manager):
    cells = [cell for row in book_of(manager)[LINES].iter_rows() for cell in row]

    assert "=Букет «Стандарт»" in [cell.value for cell in cells]
    assert {cell.data_type for cell in cells if isinstance(cell.value, str)} == {"s"}


def test_column_of_the_rate_is_empty_without_the_setting(shop, manager):
    assert {row["Ставка НДС"] for row in rows(book_of(manager), LINES)} == {None}


def test_phones_are_left_out_for_a_reader_who_may_not_see_them(shop):
    book = book_of(person(ACCOUNTANT))

    assert rows(book, ORDERS)[0]["Телефон"] is None
    assert "555" not in rows(book, PAYMENTS)[1]["Причина"]


@pytest.mark.parametrize(("file_format", "start"), [("accounting", b"PK"), ("commerceml", b"<?xml")])
def test_accountant_exports_from_the_order_list(shop, file_format, start):
    browser = browser_of(person(ACCOUNTANT))
    url = "/crm/exports/new/?table=accounting&query=preset%3Dall"

    assert "Столбцы" not in browser.get(url).content.decode()
    response = browser.post(url, {"format": file_format, "export": "1"})

    assert response.status_code == 200
    assert b"".join(response).startswith(start)
    assert response["Content-Disposition"].startswith('attachment; filename="1c-')


def test_others_may_not_export_for_accountants(shop):
    url = "/crm/exports/new/?table=accounting&query=preset%3Dall"

    for user in (person(FLORIST), everything_but("view_all_prices"), everything_but("export_order")):
        assert browser_of(user).post(url, {"format": "accounting", "export": "1"}).status_code == 403
