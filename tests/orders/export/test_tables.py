"""Tests of the exported tables besides orders: rows, rights, hidden values, totals and the sheet with the details."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER, OWNER
from orders.export import pages
from orders.export.files import open_export, write_file
from orders.export.request import ExportRequest
from orders.export.tables import TABLES
from orders.models import Customer, Order, OrderItem, Payment, Product, Shop
from tests.roles import browser_of, everything_but, person

pytestmark = pytest.mark.django_db
NEW = "/crm/exports/new/"


def book_of(table, user, parameters="", columns=()):
    file = BytesIO()
    rows = write_file(ExportRequest(table, "xlsx", parameters, tuple(columns), user.pk), file)
    return rows, load_workbook(file)


def rows_of(table, user, parameters="", columns=()):
    """Return the rows of the first sheet, each as a dictionary by header. The last one contains the totals, if any."""
    _rows, book = book_of(table, user, parameters, columns)
    head, *rows = book.worksheets[0].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.fixture
def manager(db):
    return person(MANAGER)


@pytest.fixture
def order(db):
    shop = Shop.objects.create(bitrix_id=1, name="Центр")
    order = Order.objects.create(
        order_number="77", status_id="new", shop=shop, total_amount=9000, delivery_date=timezone.localdate()
    )
    for position, (name, quantity, price) in enumerate((("Розы", "2", "1500.5"), ("=1+1", "0.5", "12000"))):
        OrderItem.objects.create(
            order=order, position=position, quantity=Decimal(quantity), price=Decimal(price),
            total=Decimal(quantity) * Decimal(price), product_snapshot={"name": name},
        )  # fmt: skip
    return order


def test_items_have_products_and_totals(manager, order):
    first, second, total = rows_of("order_items", manager, "preset=all")
    assert (first["Номер"], first["Товар"], first["Количество"], first["Цена, ₸"]) == ("77", "Розы", 2, 1500.5)
    assert (second["Товар"], second["Количество"], second["Сумма, ₸"]) == ("=1+1", 0.5, 6000)
    assert (total["Номер"], total["Количество"], total["Сумма, ₸"]) == ("Итого", 2.5, 9001)
    OrderItem.objects.filter(position=1).update(unknown_values={"quantity": "пара"})
    Order.objects.update(currency="USD")
    first, second, _total = rows_of("order_items", manager, "preset=all")
    assert (second["Количество"], second["Сумма, ₸"]) == ("неизвестно: «пара»", "неизвестно")
    assert first["Цена, ₸"] == "1\xa0500,50\xa0USD"


def test_sums_of_items_and_payments_are_hidden(order):
    Order.objects.update(delivery_date=timezone.localdate() + timedelta(days=3))
    Payment.objects.create(order=order, amount=500, method="cash")
    reader = everything_but("view_all_prices")
    assert {row["Сумма, ₸"] for row in rows_of("order_items", reader, "preset=all")} == {None}
    assert {row["Сумма платежа, ₸"] for row in rows_of("payments", reader)} == {None}
    _rows, book = book_of("payments", reader)
    details = dict(book["Сведения"].iter_rows(values_only=True))
    assert details["Скрыто"] == "Суммы: видны только у сегодняшних доставок."


def test_payments_of_period(manager, order):
    paid = timezone.now() - timedelta(days=40)
    Payment.objects.create(order=order, amount=500, method="cash")
    Payment.objects.create(order=order, amount=-200, method="card", reason="Возврат")
    Payment.objects.create(order=order, amount=300, paid_at=paid)
    first, second, total = rows_of("payments", manager)
    assert (first["Сумма платежа, ₸"], second["Сумма платежа, ₸"], total["Сумма платежа, ₸"]) == (500, -200, 300)
    assert (first["Заказ"], first["Способ оплаты"], second["Причина"]) == ("77", "наличные", "Возврат")
    day = timezone.localdate(paid)
    (one, _total) = rows_of("payments", manager, f"from={day}&to={day}")
    assert one["Сумма платежа, ₸"] == 300


def test_customers_and_products_follow_their_lists(manager):
    Customer.objects.create(
        name="Айгерим", phone="+77011234567", orders_count=2, orders_total=5000, note="т 87015556677"
    )
    Customer.objects.create(name="Олег")
    (one, total) = rows_of("customers", manager, "q=Айгерим")
    assert (one["Имя"], one["Телефон"], one["Заказы"], total["Сумма заказов, ₸"]) == (
        "Айгерим",
        "+77011234567",
        2,
        5000,
    )
    (masked, _total) = rows_of("customers", everything_but("view_phones", "view_all_prices"), "q=Айгерим")
    assert (masked["Телефон"], masked["Примечание"], masked["Сумма заказов, ₸"]) == ("•••\xa04567", "т •••", None)
    Product.objects.create(name="Розы", price="1500.50", is_active=True)
    Product.objects.create(name="Вазы", is_active=False)
    assert [row["Товар"] for row in rows_of("products", manager)] == ["Вазы", "Розы"]
    assert [row["Цена, ₸"] for row in rows_of("products", manager, "is_active__exact=1")] == [1500.5]


def test_sheet_of_details_says_what_the_file_contains(manager, order):
    rows, book = book_of("orders", manager, "preset=all&q=77&shop__bitrix_id__exact=1")
    facts = dict(book["Сведения"].iter_rows(values_only=True))
    assert rows == 1
    assert (facts["Что"], facts["Список"], facts["Поиск"], facts["Магазин"]) == ("Заказы", "Все", "77", "Центр")
    assert facts["Строк"] == "1"
    assert facts["Кто выгрузил"] == manager.get_full_name() or manager.get_username()
    assert "Скрыто" not in facts


def test_report_has_values_of_its_page(client, order):
    user = person(MANAGER)
    (row, total) = rows_of("report_sales_day", user)
    assert (row["Строка"], row["Заказы"], row["Сумма"], total["Сумма"]) == (
        row["Строка"], 1, 9000, 9000,
    )  # fmt: skip
    hidden = rows_of("report_sales_day", everything_but("view_all_prices"))
    assert "Сумма" not in hidden[0]
    assert hidden[0]["Заказы"] == 1


@pytest.mark.parametrize("key", list(TABLES))
def test_only_those_who_may_export_open_the_page(client, key):
    url = f"{NEW}?table={key}"
    assert client.get(url).status_code == 302
    assert browser_of(person(FLORIST)).get(url).status_code == 403
    assert browser_of(person(FLORIST)).post(url, {"column": "label"}).status_code == 403
    assert browser_of(person(DISPATCHER)).get(url).status_code == 403
    assert browser_of(person(OWNER)).get(url).status_code == 200
    sees_exchange = not key.startswith("report_exchange_")
    assert browser_of(person(ACCOUNTANT)).get(url).status_code == (200 if sees_exchange else 403)


def test_report_needs_right_to_reports():
    url = f"{NEW}?table=report_sales_day"
    assert browser_of(everything_but("view_report")).get(url).status_code == 403
    assert (
        browser_of(everything_but("view_customer", "change_customer")).get(f"{NEW}?table=customers").status_code == 403
    )
    assert browser_of(everything_but("view_payment", "change_payment")).get(f"{NEW}?table=payments").status_code == 403


@pytest.mark.parametrize("table", ["order_items", "customers", "products", "payments"])
def test_table_takes_constant_number_of_queries_per_page(table, manager, order, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(pages, "PAGE", 2)
    Payment.objects.create(order=order, amount=500, method="cash")
    Customer.objects.bulk_create(Customer(name=str(number)) for number in range(2))
    Product.objects.bulk_create(Product(name=str(number)) for number in range(2))
    opened = open_export(ExportRequest(table, "csv", "preset=all" if table == "order_items" else "", (), manager.pk))
    names = 2 if table == "order_items" else 0  # those of statuses and shops; no row has a city or a person
    with django_assert_num_queries(1 + names):
        list(opened.blocks())


def test_links_lead_to_the_page(manager, order):
    browser = browser_of(manager)
    for url, table in (
        (reverse("admin:orders_customer_changelist"), "customers"),
        (reverse("admin:orders_product_changelist"), "products"),
        (reverse("report", args=["sales"]), "report_sales_day"),
        (f"{reverse('admin:orders_order_changelist')}?preset=all", "orders"),
    ):
        assert f"{NEW}?table={table}&amp;query=" in browser.get(url).content.decode()
    assert (
        f"{NEW}?table=payments&amp;query=from%3D" in browser_of(person(ACCOUNTANT)).get("/crm/till/").content.decode()
    )
