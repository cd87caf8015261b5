"""The same once more: what a new order takes from an old one, and what its maker is told."""

from datetime import date
from decimal import Decimal

import pytest

from orders.duplicate import draft_from, order_to_repeat
from orders.models import Order, OrderItem, Product, Shop
from tests.samples import order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(post_webhook) -> Order:
    post_webhook("order.create", order_data())
    order = Order.objects.get()
    Product.objects.update(price=Decimal(7500), is_active=True)
    return order


def draft(order):
    return draft_from(order_to_repeat(str(order.pk)))


def test_whom_and_where_is_taken_when_and_what_it_says_is_not(order):
    made = draft(order)
    assert made.customer == order.customer
    assert made.fields["recipient_name"] == "Мария"
    assert made.fields["recipient_phone"] == "+77011234567"
    assert made.fields["delivery_address"] == "ул. Абая 150, кв 25"
    assert (made.fields["delivery_slot"], made.fields["city"], made.fields["shop"]) == ("18", 2, 17008)
    assert made.fields["delivery_fee"] == Decimal(1500)
    assert not {"delivery_date", "postcard_text", "paid_amount", "total_amount", "courier"} & set(made.fields)
    assert made.remarks == []


def test_lines_have_todays_prices_and_it_is_said_what_changed(order):
    product = Product.objects.get()
    product.name, product.price = "Букет Стандарт плюс", Decimal(8200)
    product.save()
    OrderItem.objects.create(order=order, position=1, price=500, product_snapshot={"name": "Шарик"})
    made = draft(order)
    assert [(line.product, line.name, line.price) for line in made.lines] == [
        (product, "Букет Стандарт плюс", Decimal(8200)),
        (None, "Шарик", Decimal(500)),
    ]
    assert made.remarks == ["«Букет Стандарт плюс»: было 7\xa0500\xa0₸, теперь 8\xa0200\xa0₸."]


def test_what_is_no_longer_sold_stays_in_words_and_it_is_said(order):
    Product.objects.update(is_active=False)
    Shop.objects.update(is_active=False)
    made = draft(order)
    assert [(line.product, line.name, line.price) for line in made.lines] == [(None, "Букет Стандарт", Decimal(7500))]
    assert "shop" not in made.fields
    assert len(made.remarks) == 2
    assert "больше не продаётся" in made.remarks[0]


def test_it_costs_one_query(order, django_assert_num_queries):
    origin = order_to_repeat(str(order.pk))
    OrderItem.objects.create(order=order, position=1, price=500, product_snapshot={"name": "Шарик"})
    with django_assert_num_queries(1):
        draft_from(origin)


@pytest.mark.parametrize("key", ["", "нет", "00000000-0000-0000-0000-000000000000"])
def test_an_order_that_is_not_there(db, key):
    assert order_to_repeat(key) is None


def test_the_form_starts_from_it_and_saves_what_is_shown(order, manager, client):
    from tests.page_forms import read_form

    Product.objects.update(price=Decimal(8200))
    client.force_login(manager)
    address = f"/crm/orders/order/add/?from={order.pk}"
    html = client.get(address).content.decode()
    assert "теперь 8\xa0200\xa0₸" in html
    form = read_form(html, "order_form")
    assert form["delivery_date"] == form["postcard_text"] == ""
    answer = client.post(address, {**form, "delivery_date": "25.08.2026"})
    assert answer.status_code == 302
    made = Order.objects.exclude(pk=order.pk).get()
    assert (made.customer, made.recipient_name, made.delivery_date) == (order.customer, "Мария", date(2026, 8, 25))
    item = made.items.get()
    assert (item.product, item.price, made.total_amount) == (Product.objects.get(), Decimal(8200), Decimal(9700))
