"""Tests of the search of orders by the details of their items, such as size and colour, in each format of senders."""

import pytest

from cvety_crm.roles import FLORIST
from orders.models import Courier, Order, OrderItem
from tests.orders.admin.conftest import LIST, numbers
from tests.roles import browser_of, everything_but, person

PROPERTIES = [
    {"SIZE": "XL", "COLOR": "молочный", "EXTRA_PRICE": "2468"},
    [
        {"CODE": "SIZE", "NAME": "Размер", "VALUE": "XL"},
        {"NAME": "Цвет", "VALUE": "молочный"},
        {"CODE": "EXTRA_PRICE", "NAME": "Надбавка", "VALUE": "2468"},
    ],
    [{"code": "size", "value": "XL"}, {"code": "color", "value": ["белый", "молочный"]}],
    {"SIZE": {"NAME": "Размер", "VALUE": "XL"}, "COLOR": {"VALUE": "молочный"}, "EXTRA_PRICE": {"VALUE": "2468"}},
]


def ordered(make_order, **columns):
    line = {"ID": "1", "PRODUCT_ID": "696613", "NAME": "Букет", "PRICE": "7500", "QUANTITY": "1", **columns}
    return make_order(basket=[line])


@pytest.mark.parametrize("properties", PROPERTIES)
@pytest.mark.parametrize("text", ["XL", "xl", "молоч", "xl молочный"])
def test_order_is_found_by_a_detail_of_its_item(browser, make_order, properties, text):
    order = ordered(make_order, PROPS=properties)
    other = make_order(122999)
    assert numbers(browser.get(LIST, {"q": text}).content) == [order.order_number]
    found = browser.get("/crm/search/", {"extended": 1, "s": text}).content.decode()
    assert f"№ {order.order_number}" in found
    assert f"№ {other.order_number}" not in found


@pytest.mark.parametrize("text", ["букет", "Стандарт", "стандарт букет", "станд"])
def test_order_is_found_by_the_name_of_its_product(browser, make_order, text):
    order = ordered(make_order, NAME="Букет «Стандарт»")
    make_order(122999, basket=[{"ID": "2", "PRODUCT_ID": "7", "NAME": "Розы", "PRICE": "1", "QUANTITY": "1"}])
    assert numbers(browser.get(LIST, {"q": text}).content) == [order.order_number]
    assert numbers(browser_of(person(FLORIST)).get(LIST, {"q": text}).content) == [order.order_number]


def test_order_is_found_by_the_name_of_its_courier(browser, make_order):
    order, _other = make_order(1001), make_order(1002)
    courier = Courier.objects.create(name="Ерлан Әбенов", phone="+77015550001")
    Order.objects.filter(pk=order.pk).update(courier=courier)
    for text in ("ерлан", "абенов ерл", "0001", "+7 701 555 00 01"):
        assert numbers(browser.get(LIST, {"q": text}).content) == ["1001"], text
    florist = browser_of(person(FLORIST))
    assert numbers(florist.get(LIST, {"q": "Ерлан"}).content) == ["1001"]
    assert numbers(florist.get(LIST, {"q": "701 555"}).content) == []


def test_order_is_found_by_the_note_of_its_item(browser, make_order):
    order = ordered(make_order, NOTES="без лилий")
    assert numbers(browser.get(LIST, {"q": "лилий"}).content) == [order.order_number]


@pytest.mark.parametrize("properties", PROPERTIES)
def test_order_is_not_found_by_an_amount_or_by_the_name_of_a_property(browser, make_order, properties):
    ordered(make_order, PROPS=properties)
    for text in ("2468", "размер", "EXTRA_PRICE"):
        assert numbers(browser.get(LIST, {"q": text}).content) == [], text


def test_hidden_phone_in_a_detail_is_not_found_by_its_beginning(make_order):
    order = ordered(make_order, PROPS={"FOR": "Маме 8 705 555-66-77, XL"})
    florist = browser_of(person(FLORIST))
    assert numbers(florist.get(LIST, {"q": "8 705 555"}).content) == []
    assert numbers(florist.get(LIST, {"q": "маме xl"}).content) == [order.order_number]
    others = browser_of(everything_but("change_order"))
    assert numbers(others.get(LIST, {"q": "705 555"}).content) == [order.order_number]


def test_changed_detail_is_found_and_the_earlier_one_is_not(browser, make_order):
    order = ordered(make_order, PROPS={"SIZE": "XL"})
    OrderItem.objects.update(product_snapshot={"name": "Букет", "properties": {"SIZE": "S50"}})
    assert numbers(browser.get(LIST, {"q": "s50"}).content) == [order.order_number]
    assert numbers(browser.get(LIST, {"q": "xl"}).content) == []


@pytest.mark.parametrize("common", [0, 100])
def test_order_is_found_by_a_word_of_many_items(browser, make_order, monkeypatch, common):
    monkeypatch.setattr("orders.selectors.order_search.FEW_ITEMS", 1)
    monkeypatch.setattr("orders.selectors.order_search.COMMON", common)
    for number in (1001, 1002, 1003):
        make_order(number)
    other = [{"ID": "2", "PRODUCT_ID": "7", "NAME": "Розы", "PRICE": "1", "QUANTITY": "1"}]
    make_order(1004, basket=other)
    make_order(1005, basket=[])
    assert sorted(numbers(browser.get(LIST, {"q": "букет"}).content)) == ["1001", "1002", "1003"]


def test_number_of_queries_does_not_depend_on_found_items(browser, make_order, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr("orders.selectors.order_search.FEW_ITEMS", 3)
    order = ordered(make_order, PROPS={"SIZE": "XL"})
    for position in range(5):
        OrderItem.objects.create(
            order=order, position=position + 2, price=1, product_snapshot={"name": "Х", "properties": {"s": "XL"}}
        )
    assert numbers(browser.get(LIST, {"q": "xl"}).content) == [order.order_number]
