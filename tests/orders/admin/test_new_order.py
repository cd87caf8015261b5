"""An order made by hand."""

from datetime import date
from decimal import Decimal

import pytest

from bitrix_bridge.models import Push
from orders import services
from orders.models import Customer, Order, Product, Source, SyncState
from tests.page_forms import read_form

ADD = "/crm/orders/order/add/"


@pytest.fixture
def add(browser):
    def post(**fields):
        form = read_form(browser.get(ADD).content.decode(), "order_form")
        return browser.post(ADD, {**form, **{name.replace("__", "-"): value for name, value in fields.items()}})

    return post


LINE = {"items__0__name": "Букет на заказ", "items__0__quantity": "1", "items__0__price": "12000"}


def test_the_defaults_are_filled_in(browser):
    form = read_form(browser.get(ADD).content.decode(), "order_form")
    assert (form["delivery_slot"], form["city"], form["shop"]) == ("18", "2", "17008")


def test_an_order_by_phone(add, manager):
    answer = add(
        **LINE, customer_name="Айгерим", customer_phone="8 777 123 45 67", recipient_name="Мария",
        recipient_phone="87011234567", delivery_date="25.08.2026", delivery_address="Абая 150",
        postcard_text="Құттықтаймын! 🌷", delivery_fee="1500",
    )  # fmt: skip
    order = Order.objects.get()
    assert answer.status_code == 302
    assert order.order_number.startswith("CRM-")
    assert (order.source, order.sync_state, order.status_id) == (Source.ADMIN, SyncState.PENDING, "new")
    assert (order.delivery_slot_id, order.city_id, order.shop_id) == ("18", 2, 17008)
    assert (order.recipient_phone, order.delivery_date) == ("+77011234567", date(2026, 8, 25))
    assert order.total_amount == Decimal(13500)
    assert order.postcard_text == "Құттықтаймын! 🌷"
    assert (order.customer.name, order.customer.phone) == ("Айгерим", "+77771234567")
    assert order.items.get().name == "Букет на заказ"
    assert order.events.get().actor == manager
    assert Push.objects.get().order == order


def test_a_product_brings_its_price(add):
    product = Product.objects.create(name="Розы", price=Decimal(9900), bitrix_product_id=5)
    add(items__0__product=str(product.pk), items__0__quantity="2", total_amount="19000")
    order = Order.objects.get()
    assert order.items.get().total == Decimal(19800)
    assert order.items.get().product == product
    assert order.total_amount == Decimal(19000)


def test_a_known_customer_is_found_by_his_phone(add):
    known = Customer.objects.create(name="Айгерим К.", phone="+77771234567")
    add(**LINE, customer_name="айгерим", customer_phone="+7 (777) 123-45-67")
    assert Order.objects.get().customer == known
    assert Customer.objects.count() == 1


def test_a_chosen_customer(add):
    known = Customer.objects.create(name="Айгерим К.", phone="+77771234567")
    add(**LINE, customer=str(known.pk))
    assert Order.objects.get().customer == known


def test_errors_keep_what_was_typed(add):
    html = add(
        items__0__name="Букет мечты", items__0__price="", recipient_phone="123", postcard_text="Текст открытки"
    ).content.decode()
    for text in ("Букет мечты", 'value="123"', "Текст открытки", "id_recipient_phone_error"):
        assert text in html
    assert not Order.objects.exists()


def test_without_items_there_is_no_order(add):
    assert add(recipient_name="Мария").status_code == 200
    assert not Order.objects.exists()


def test_a_refusal_of_the_service_undoes_everything(add, monkeypatch):
    def refuse(**_kwargs):
        raise services.NotAllowed("Сегодня не принимаем")

    monkeypatch.setattr(services, "create_order", refuse)
    answer = add(**LINE, customer_name="Айгерим", customer_phone="87771234567")
    assert "Сегодня не принимаем" in answer.content.decode()
    assert "Букет на заказ" in answer.content.decode()
    assert not Customer.objects.exists()


def test_whoever_may_not_add_does_not(browser_of):
    assert browser_of("orders.view_order", "orders.change_order").get(ADD).status_code == 403


def test_products_and_customers_are_found_by_typing(browser):
    Product.objects.create(name="Розы красные", bitrix_product_id=1)
    Product.objects.create(name="Розы снятые", bitrix_product_id=2, is_active=False)
    Customer.objects.create(name="Айгерим", phone="+77771234567")

    def found(model, field, term):
        query = {"app_label": "orders", "model_name": model, "field_name": field, "term": term}
        return [row["text"] for row in browser.get("/crm/autocomplete/", query).json()["results"]]

    assert found("orderitem", "product", "розы") == ["Розы красные"]
    assert len(found("order", "customer", "4567")) == 1
