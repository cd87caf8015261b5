"""Tests of the page of a refused save: the fields keep what was typed, and everything else shows the stored order."""

import re

import pytest

from orders import services
from orders.models import City, Customer, Shop
from tests.orders.admin.conftest import change_url
from tests.page_forms import read_form

REFUSED = {"delivery_fee": "-5"}


@pytest.fixture
def order(make_order):
    return make_order()


def outside(html):
    """Return the visible text of the page without the order's form and without the notice of concurrent changes."""
    main = html[html.index('id="crm-main"') :]
    main = re.sub(r'<form[^>]*id="order_form".*?</form>', "", main, flags=re.S)
    main = re.sub(r'<section class="[^"]*crm-both".*?</section>', "", main, flags=re.S)
    main = re.sub(r"<(script|template|style).*?</\1>", "", main, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def stored_page(browser, order):
    return browser.get(change_url(order)).content.decode()


def typed_values():
    """Return a new value for each kind of field of the form."""
    return [
        {"recipient_name": "Неизвестная"},
        {"recipient_phone": "+7 705 999-88-77"},
        {"delivery_address": "ул. Чужая 99"},
        {"delivery_date": "01.02.2030"},
        {"delivery_slot": ""},
        {"is_pickup": "on"},
        {"is_anonymous": "on"},
        {"is_surprise": "on"},
        {"postcard_text": "другая открытка"},
        {"comment": "другая просьба"},
        {"total_amount": "123456"},
        {"discount_amount": "777"},
        {"paid_amount": "4321"},
        {"payment_status": "paid"},
        {"payment_method": "kaspi"},
        {"items__0__quantity": "77"},
        {"items__0__price": "98765"},
        {"items__0__DELETE": "on"},
    ]


@pytest.mark.parametrize("typed", typed_values(), ids=lambda typed: next(iter(typed)))
def test_refused_value_is_in_its_field_only(browser, order, save, typed):
    before = outside(stored_page(browser, order))
    html = save(order, **(REFUSED | typed)).content.decode()
    assert outside(html) == before
    form = read_form(html, "order_form")
    for name, value in typed.items():
        assert form[name.replace("__", "-")] == value


def test_refused_reference_is_in_its_field_only(browser, order, save):
    city = City.objects.create(bitrix_id=7001, name="Талдыкорган")
    shop = Shop.objects.create(bitrix_id=7002, name="Дальняя лавка")
    customer = Customer.objects.create(name="Другая Заказчица", phone="+77019998877")
    before = outside(stored_page(browser, order))
    typed = {"city": str(city.bitrix_id), "shop": str(shop.bitrix_id), "customer": str(customer.pk)}
    html = save(order, **REFUSED, **typed).content.decode()
    assert outside(html) == before
    assert typed.items() <= read_form(html, "order_form").items()


def test_sum_of_a_refused_item_is_the_stored_one(browser, order, save):
    html = save(order, **REFUSED, items__0__price="98765").content.decode()
    assert "98\xa0765" not in html
    assert "7\xa0500" in re.search(r'<form[^>]*id="order_form".*?</form>', html, re.S)[0]


def test_value_refused_by_the_service_is_in_its_field_only(browser, order, save):
    before = outside(stored_page(browser, order))
    html = save(order, recipient_name="Неизвестная", discount_amount="999999").content.decode()
    assert outside(html) == before
    assert read_form(html, "order_form")["recipient_name"] == "Неизвестная"


def test_page_of_a_value_that_both_have_changed_shows_the_colleagues_value(browser, order, save, manager):
    seen = read_form(stored_page(browser, order), "order_form")
    services.edit_order(order_id=order.pk, changes={"delivery_address": "Сатпаева 1"}, actor=manager)
    html = save(order, seen=seen, delivery_address="Абая 200").content.decode()
    assert "crm-both" in html
    assert "Сатпаева 1" in outside(html)
    assert "Абая 200" not in outside(html)
    assert read_form(html, "order_form")["delivery_address"] == "Абая 200"
