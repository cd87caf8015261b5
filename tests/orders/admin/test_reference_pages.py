"""Tests of the pages of customers, products and reference data."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import City, Courier, Customer, OrderEvent, Product, Status
from tests.orders.admin.conftest import LIST
from tests.page_forms import read_form


def customer_url(customer):
    return f"/crm/orders/customer/{customer.pk}/change/"


def test_customer_page_shows_latest_orders_and_link_to_all(browser, make_order):
    for number in range(1001, 1026):
        order = make_order(number)
    html = browser.get(customer_url(order.customer)).content.decode()
    assert html.count('class="crm-badge crm-stage-new"') == 20
    assert f"{LIST}?customer__id__exact={order.customer.pk}" in html
    assert browser.get(LIST, {"customer__id__exact": str(order.customer.pk)}).status_code == 200


def test_customer_page_takes_constant_number_of_queries(browser, make_order):
    def cost(customer):
        with CaptureQueriesContext(connection) as queries:
            browser.get(customer_url(customer))
        return len(queries)

    customer = make_order(1001).customer
    cost(customer)
    few = cost(customer)
    for number in range(1002, 1012):
        make_order(number)
    assert cost(customer) == few <= 15


def test_customer_is_found_by_phone_and_edited(browser, make_order):
    customer = make_order().customer
    assert customer.name in browser.get("/crm/orders/customer/", {"q": "4567"}).content.decode()
    assert customer.name not in browser.get("/crm/orders/customer/", {"q": "0000"}).content.decode()
    form = read_form(browser.get(customer_url(customer)).content.decode(), "customer_form")
    browser.post(customer_url(customer), {**form, "phone": "8 705 000 11 22", "note": "любит пионы"})
    customer.refresh_from_db()
    assert (customer.phone, customer.note) == ("+77050001122", "любит пионы")


def test_status_form_refuses_shared_codes_and_unknown_next_status(browser, db):
    new, taken = Status.objects.get(code="new"), Status.objects.get(code="accepted")
    url = f"/crm/orders/status/{new.pk}/change/"
    form = read_form(browser.get(url).content.decode(), "status_form")
    assert browser.post(url, {**form, "bitrix_codes": "N,AP"}).status_code == 200
    assert browser.post(url, {**form, "next_codes": "accepted,nowhere"}).status_code == 200
    assert browser.post(url, {**form, "name": "Новенький", "code": "other"}).status_code == 302
    new.refresh_from_db()
    assert (new.name, new.code, new.bitrix_codes) == ("Новенький", "new", ["N"])
    assert taken.bitrix_codes == ["AP"]


def test_stubs_are_found_by_attention_filter(browser, post_webhook, make_order):
    make_order(properties={"city": "77", "when": "99"}, STATUS_ID="ZZ")
    for name, count in (("status", 1), ("city", 1), ("deliveryslot", 1)):
        html = browser.get(f"/crm/orders/{name}/", {"needs_attention__exact": "1"}).content.decode()
        assert html.count('class="data-row') == count, name


@pytest.mark.parametrize("name", ["status", "city", "shop", "deliveryslot", "product", "courier", "customer"])
def test_rows_that_orders_refer_to_can_not_be_deleted(browser, make_order, name):
    order = make_order()
    Courier.objects.create(name="Серик")
    model: Any = {"status": Status, "city": City, "product": Product, "courier": Courier, "customer": Customer}.get(
        name
    )
    row = (model or type(getattr(order, {"shop": "shop", "deliveryslot": "delivery_slot"}[name]))).objects.first()
    assert browser.post(f"/crm/orders/{name}/{row.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("name", ["orderevent", "ordernote", "orderphoto"])
def test_timeline_notes_and_photos_are_read_only(browser, make_order, name):
    make_order()
    assert browser.get(f"/crm/orders/{name}/").status_code == 200
    assert browser.get(f"/crm/orders/{name}/add/").status_code == 403
    event = OrderEvent.objects.first()
    if name == "orderevent":
        html = browser.get(f"/crm/orders/orderevent/{event.pk}/change/").content.decode()
        assert "122183" in html
        assert 'name="_save"' not in html
        assert browser.post(f"/crm/orders/orderevent/{event.pk}/change/", {"kind": "sent"}).status_code == 403


def test_timeline_of_all_orders_is_searched_by_order_number(browser, make_order):
    make_order(1001)
    make_order(1002)
    html = browser.get("/crm/orders/orderevent/", {"q": "1002"}).content.decode()
    assert html.count('class="data-row') == 1


@pytest.mark.parametrize("name", ["customer", "product", "orderevent", "status", "city"])
def test_list_takes_constant_number_of_queries(browser, make_order, name):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(f"/crm/orders/{name}/").status_code == 200
        # The counts of the sidebar read only rows on which staff must act, and are cached for some seconds.
        assert not [q for q in queries if "COUNT(" in q["sql"] and " WHERE " not in q["sql"]]
        return len(queries)

    make_order(1001)
    cost()
    few = cost()
    for number in range(1002, 1012):
        basket = [{"ID": str(number), "PRODUCT_ID": str(number), "NAME": "Роза", "PRICE": "1", "QUANTITY": "1"}]
        make_order(number, USER_ID=str(number), user={"ID": str(number), "NAME": f"Имя {number}"}, basket=basket)
    assert cost() == few
