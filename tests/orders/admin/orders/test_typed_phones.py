"""Tests of phones that somebody has typed into a text, for a user who may change the text and may not see phones."""

import pytest
from django.urls import reverse

from orders.models import Customer, Order
from tests.orders.admin.conftest import change_url
from tests.page_forms import read_form
from tests.roles import browser_of, everything_but

TYPED = "Мария, звонить 8 701 555 66 77"
FIELDS = ("recipient_name", "delivery_address", "comment", "courier_comment", "postcard_text")


@pytest.fixture
def editor(db):
    return browser_of(everything_but("view_phones"))


@pytest.mark.parametrize("field", FIELDS)
def test_text_with_a_phone_is_shown_masked_and_has_no_input(editor, make_order, field):
    order = make_order()
    Order.objects.update(**{field: TYPED})
    html = editor.get(change_url(order)).content.decode()
    assert "555 66 77" not in html
    assert "звонить •••" in html
    form = read_form(html, "order_form")
    assert (field in form, set(FIELDS) - {field} <= form.keys()) == (False, True)
    editor.post(change_url(order), {**form, "postcard_text": "Поздравляю", "comment": "без лилий"})
    order.refresh_from_db()
    assert getattr(order, field) == TYPED
    assert order.postcard_text == (TYPED if field == "postcard_text" else "Поздравляю")


def test_customer_whose_name_or_note_has_a_phone_keeps_them(editor, make_order):
    make_order()
    Customer.objects.update(name=TYPED, note="другой телефон 8 701 999 88 77")
    customer = Customer.objects.get()
    page = reverse("admin:orders_customer_change", args=[customer.pk])
    html = editor.get(page).content.decode()
    assert "555 66 77" not in html
    assert "999 88 77" not in html
    assert editor.post(page, {"email": "new@example.kz", "birthday": ""}).status_code == 302
    customer.refresh_from_db()
    assert (customer.name, customer.email) == (TYPED, "new@example.kz")
    assert customer.note.startswith("другой")
