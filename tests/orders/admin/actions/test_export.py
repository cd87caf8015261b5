"""Tests of the export of orders as XLSX and CSV. The tests read the exported files."""

import csv
import logging
from datetime import date, datetime, timedelta
from io import BytesIO, StringIO

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.utils import timezone
from openpyxl import load_workbook

from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER
from orders.export import pages
from orders.export.csv_file import safe_text
from orders.export.files import open_export
from orders.export.request import ExportRequest
from orders.export.tables import TABLES
from orders.models import City, Courier, Customer, DeliverySlot, ExportRun, Order, OrderItem, PaySystem, Shop, Status
from tests.orders.admin.conftest import LIST
from tests.roles import browser_of, everything_but, person

EXPORT = f"{LIST}export/"
BOM = "\ufeff"


def sheet_of(response):
    assert response.status_code == 200
    assert response["Content-Type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return load_workbook(BytesIO(b"".join(response))).active


def rows_of(response):
    """Return the rows of an XLSX file, each as a dictionary of cells by column header."""
    head, *rows = sheet_of(response).iter_rows()
    rows = rows[:-1] if rows[-1][0].value == "Итого" else rows
    return [dict(zip([cell.value for cell in head], row, strict=True)) for row in rows]


def lines_of(response):
    text = b"".join(response).decode()
    head, *lines = csv.reader(StringIO(text.removeprefix(BOM)), delimiter=";")
    return [dict(zip(head, line, strict=True)) for line in lines]


@pytest.fixture
def order(make_order):
    order = make_order(
        122183,
        PRICE="9000.50",
        SUM_PAID="4000",
        properties={
            "data": "2025-08-25",
            "nameRecipient": '=HYPERLINK("http://x","y")',
            "postcardText": 'Мама;\n"люблю"',
        },
    )  # fmt: skip
    OrderItem.objects.create(order=order, position=9, quantity="2", price=1, product_snapshot={"name": "@Открытка"})
    order.courier = Courier.objects.create(name="+Ерлан")
    order.save()
    return order


def test_xlsx_keeps_types_and_formats_of_values(browser, order):
    (row,) = rows_of(browser.get(EXPORT, {"format": "xlsx", "preset": "all"}))
    values = {head: cell.value for head, cell in row.items()}
    assert values["Номер"] == "122183"
    assert values["Дата доставки"] == datetime(2025, 8, 25)  # noqa: DTZ001 - a spreadsheet knows no zones
    assert row["Дата доставки"].number_format == "dd.mm.yyyy"
    assert values["Состав"] == "Букет Стандарт × 1; @Открытка × 2"
    assert values["Телефон получателя"] == "+77011234567"
    assert values["Телефон клиента"] == "+77771234567"
    assert (values["Сумма, ₸"], values["Оплачено, ₸"], values["К получению, ₸"]) == (9000.5, 4000, 5000.5)
    assert (row["Сумма, ₸"].number_format, row["Оплачено, ₸"].number_format) == ("#,##0.00", "#,##0")
    assert values["Создан"] == datetime(2025, 8, 24, 12)  # noqa: DTZ001
    assert values["ID на сайте"] == 122183
    assert values["Открытка"] == 'Мама;\n"люблю"'
    assert not [head for head, cell in row.items() if cell.data_type == "f"]
    assert {cell.data_type for cell in (row["Получатель"], row["Курьер"], row["Номер"])} == {"s"}


def test_xlsx_has_title_filter_frozen_header_and_widths(browser, order):
    sheet = sheet_of(browser.get(EXPORT, {"preset": "all"}))
    assert sheet.title == "Заказы"
    assert sheet.freeze_panes == "B2"
    assert sheet.auto_filter.ref == "A1:AG2"
    assert sheet["A1"].font.bold
    assert 30 <= sheet.column_dimensions["E"].width <= 50


def test_csv_has_format_of_russian_excel(browser, order):
    response = browser.get(EXPORT, {"format": "csv", "preset": "all"})
    content = b"".join(response)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    today = f"{timezone.localdate():%Y-%m-%d}"
    assert response["Content-Disposition"] == f'attachment; filename="zakazy-{today}.csv"'
    assert content.startswith(b"\xef\xbb\xbf")
    head, first, *_rest = content.decode("utf-8-sig").split("\r\n")
    assert head.startswith("Номер;Дата доставки;Интервал;Статус;")
    assert first.startswith("122183;25.08.2025;15:00–16:00;Новый;")

    (line,) = lines_of(browser.get(EXPORT, {"format": "csv", "preset": "all"}))
    assert line["Получатель"] == '\'=HYPERLINK("http://x","y")'
    assert line["Курьер"] == "'+Ерлан"
    assert line["Телефон получателя"] == "'+77011234567"
    assert (line["Сумма, ₸"], line["Оплачено, ₸"]) == ("9000,50", "4000")
    assert line["Создан"] == "24.08.2025 12:00"
    assert line["Открытка"] == 'Мама;\n"люблю"'


@pytest.mark.parametrize("begin", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1"])
def test_text_that_begins_like_formula_gets_apostrophe(begin):
    assert safe_text(begin) == f"'{begin}"
    assert safe_text(f"a{begin}") == f"a{begin}"


def test_export_follows_filters_of_list(browser, make_order):
    today = timezone.localdate()
    make_order(1001, properties={"data": today.isoformat()})
    make_order(1002, properties={"data": (today + timedelta(days=1)).isoformat()}, STATUS_ID="AP")
    make_order(1003, properties={"data": today.isoformat(), "nameRecipient": "Олег"}, STATUS_ID="AP")

    def numbers(**query):
        return [line["Номер"] for line in lines_of(browser.get(EXPORT, {"format": "csv", **query}))]

    assert sorted(numbers()) == ["1001", "1003"]  # by default, the list shows the orders of today
    assert numbers(preset="tomorrow") == ["1002"]
    assert numbers(date=(today + timedelta(days=1)).isoformat()) == ["1002"]
    assert sorted(numbers(stage="accepted")) == ["1002", "1003"]
    assert numbers(q="Олег") == ["1003"]
    # The export contains the orders of all pages.
    assert sorted(numbers(preset="all", p="7")) == ["1001", "1002", "1003"]
    html = browser.get(LIST, {"stage": "accepted", "p": "1"}).content.decode()
    assert f"{EXPORT}?stage=accepted&amp;format=xlsx" in html


@pytest.mark.parametrize("file_format", ["xlsx", "csv"])
def test_bulk_action_exports_only_selected_orders(browser, make_order, file_format):
    make_order(1001)
    chosen = make_order(1002)
    form = {"action": f"export_selected_to_{file_format}", ACTION_CHECKBOX_NAME: [str(chosen.pk)]}
    response = browser.post(LIST, form)
    numbers = (
        [line["Номер"] for line in lines_of(response)]
        if file_format == "csv"
        else [row["Номер"].value for row in rows_of(response)]
    )
    assert numbers == ["1002"]


def test_only_managers_and_accountants_can_export(make_order):
    order = make_order()
    chosen = {"action": "export_selected_to_csv", ACTION_CHECKBOX_NAME: [str(order.pk)]}
    for role, may in ((MANAGER, True), (ACCOUNTANT, True), (FLORIST, False), (DISPATCHER, False)):
        client = browser_of(person(role))
        assert client.get(EXPORT, {"preset": "all"}).status_code == (200 if may else 403)
        assert (EXPORT in client.get(LIST, {"preset": "all"}).content.decode()) is may
        assert client.post(LIST, chosen)["Content-Type"].startswith("text/csv") is may
    assert browser_of(person(MANAGER)).post(EXPORT).status_code == 405


def test_export_hides_phones_and_sums_without_permission(make_order):
    make_order(1001, properties={"data": "2025-08-25"})
    make_order(1002, properties={"data": timezone.localdate().isoformat()})
    client = browser_of(everything_but("view_phones", "view_all_prices"))
    other_day, today = sorted(
        lines_of(client.get(EXPORT, {"format": "csv", "preset": "all"})), key=lambda r: r["Номер"]
    )
    assert {line["Телефон получателя"] for line in (other_day, today)} == {"•••\xa04567"}
    assert [line["Сумма, ₸"] for line in (other_day, today)] == ["", "9000"]
    rows = {row["Номер"].value: row for row in rows_of(client.get(EXPORT, {"preset": "all"}))}
    assert (rows["1001"]["Сумма, ₸"].value, rows["1002"]["Сумма, ₸"].value) == (None, 9000)


def test_export_is_logged_without_search_text(browser, manager, order, caplog):
    caplog.set_level(logging.INFO)
    lines_of(browser.get(EXPORT, {"format": "csv", "q": "Айгерим"}))
    run = ExportRun.objects.get()
    assert (run.started_by, run.table, run.format, run.rows, run.state) == (manager, "orders", "csv", 1, "done")
    assert ["Поиск", "Айгерим"] in run.facts
    assert "manager exports 1 rows of orders as csv" in caplog.text
    assert "Айгерим" not in caplog.text
    assert "%D0" not in caplog.text


def test_empty_export_or_wrong_filter_redirects_with_message(browser, make_order):
    make_order(1001)
    make_order(1002)
    response = browser.get(EXPORT, {"q": "нет такого"}, follow=True)
    assert response.redirect_chain[0][0] == f"{LIST}?q=%D0%BD%D0%B5%D1%82+%D1%82%D0%B0%D0%BA%D0%BE%D0%B3%D0%BE"
    assert "Здесь нечего выгружать" in response.content.decode()
    assert not ExportRun.objects.exists()
    assert browser.get(EXPORT, {"format": "pdf"}).status_code == 404
    assert browser.get(EXPORT, {"delivery_date__year": "x"}).status_code in (302, 400)


@pytest.mark.parametrize("count", [1, pytest.param(2000, marks=pytest.mark.slow)])
def test_export_takes_constant_number_of_queries_per_page(django_assert_num_queries, count, manager):
    related = {
        "status": Status.objects.get(code="new"),
        "delivery_slot": DeliverySlot.objects.get(bitrix_id="18"),
        "city": City.objects.get(bitrix_id=2),
        "shop": Shop.objects.get(bitrix_id=17008),
        "courier": Courier.objects.create(name="Ерлан"),
        "customer": Customer.objects.create(name="Айгерим"),
        "responsible": manager,
        "pay_system": PaySystem.objects.create(bitrix_id=12, name="Офис"),
        "unknown_values": {"payment_method": "№ 12"},
    }
    orders = Order.objects.bulk_create(
        Order(order_number=str(number), delivery_date=date(2025, 8, 25), **related) for number in range(count)
    )
    OrderItem.objects.bulk_create(
        OrderItem(order=order, product_snapshot={"name": "Букет"}, price=1, total=1) for order in orders
    )
    columns = (*TABLES["orders"].default_keys(), "details")
    export = ExportRequest("orders", "csv", "preset=all&o=1", columns, manager.pk)
    names = 7  # statuses, cities, shops, slots, couriers, pay systems, people
    opened = open_export(export)
    with django_assert_num_queries(names + 3 * -(-count // pages.PAGE)):
        blocks = list(opened.blocks())
    assert sorted(number for block in blocks for number in block[0]) == sorted(str(number) for number in range(count))
    assert {composition for block in blocks for composition in block[4]} == {"Букет × 1"}


def test_export_masks_phones_in_texts_and_truncates_long_texts(order):
    Order.objects.update(
        delivery_address="Абая 150, тел 87055556677", comment="я" * 32_768, courier_comment="я" * 32_767
    )
    (mine,), (theirs,) = (
        rows_of(browser_of(person(role)).get(EXPORT, {"preset": "all"})) for role in (MANAGER, ACCOUNTANT)
    )
    assert (mine["Адрес"].value, theirs["Адрес"].value) == ("Абая 150, тел 87055556677", "Абая 150, тел •••")
    assert mine["Комментарий"].value == "я" * 32_766 + "…"
    assert mine["Для курьера"].value == "я" * 32_767


def test_details_of_the_site_are_a_column_by_choice(browser, make_order):
    properties = {"apartment": "25", "kaspiPhone": "8 701 555 66 77", "bonusSum": "100", "city": "2"}
    basket = [
        {"ID": "1", "PRODUCT_ID": "5", "NAME": "Букет", "PRICE": "1", "QUANTITY": "1", "PROPS": {"size": "61 см"}}
    ]
    make_order(properties=properties, basket=basket)
    head = "Ещё с сайта"
    assert head not in rows_of(browser.get(EXPORT, {"preset": "all"}))[0]
    query = {"preset": "all", "details": "1"}
    expected = "Квартира: 25\nТелефон Kaspi: +7 701 555-66-77\nbonusSum: 100\xa0₸\nБукет: Размер: 61 см"
    assert rows_of(browser.get(EXPORT, query))[0][head].value == expected
    assert lines_of(browser.get(EXPORT, query | {"format": "csv"}))[0][head] == expected
    assert ExportRun.objects.filter(columns__contains=["details"]).count() == 2

    someone = browser_of(everything_but("view_phones", "view_all_prices"))
    masked = "Квартира: 25\nТелефон Kaspi: •••\xa06677\nБукет: Размер: 61 см"
    assert rows_of(someone.get(EXPORT, query))[0][head].value == masked


def test_details_need_no_query_for_each_order(browser, make_order, django_assert_max_num_queries):
    def export():
        b"".join(browser.get(EXPORT, {"preset": "all", "format": "csv", "details": "1"}))

    make_order(1)
    export()
    with django_assert_max_num_queries(40) as few:
        export()
        count = len(few)
    assert count > 5
    for number in range(2, 8):
        make_order(number, properties={"name": f"Имя {number}", "email": "x@cvety.kz"})
    with django_assert_max_num_queries(count):
        export()
