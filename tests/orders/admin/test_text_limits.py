"""Tests that no text of staff is cut: what is too long is refused with the numbers, and nothing is changed."""

import pytest
from django.urls import reverse

from orders import services
from orders.models import EventKind, MessageTemplate, Order, Product
from tests.orders.admin.conftest import change_url
from tests.page_forms import read_form


@pytest.fixture
def order(make_order):
    return make_order()


@pytest.mark.parametrize(
    ("name", "count", "words"),
    [
        ("postcard_text", 501, "Введён 501 знак, допустимо 500: лишние 1"),
        ("comment", 2234, "Введено 2\xa0234 знака, допустимо 2\xa0000: лишние 234"),
        ("delivery_address", 505, "Введено 505 знаков, допустимо 500: лишние 5"),
        ("recipient_name", 256, "Введено 256 знаков, допустимо 255: лишние 1"),
    ],
)
def test_text_of_the_order_is_refused_at_its_field(browser, order, save, name, count, words):
    html = save(order, **{name: "я" * count}).content.decode()
    assert words in html
    assert read_form(html, "order_form")[name] == "я" * count
    assert getattr(Order.objects.get(), name) == getattr(order, name)


def test_inputs_of_the_order_count_and_do_not_cut(browser, order):
    html = browser.get(change_url(order)).content.decode()
    main = html[html.index('id="crm-main"') :]
    assert "maxlength" not in main
    for longest in (255, 400, 500, 2000, services.LONGEST_NOTE):
        assert f'data-longest="{longest}"' in main


@pytest.mark.parametrize(
    ("url", "field", "extra", "longest"),
    [
        ("add_note", "text", {}, services.LONGEST_NOTE),
        ("problem", "text", {"reason": "other"}, 400),
        ("solved", "comment", {}, 500),
        ("set_status", "comment", {"status": "accepted"}, 1000),
    ],
)
def test_text_beside_the_order_is_refused_with_the_numbers(browser, order, url, field, extra, longest):
    Order.objects.update(problem="нет роз")
    events = order.events.count()
    page = reverse(f"admin:orders_order_{url}", args=[order.pk])
    answer = browser.post(page, {field: "я" * (longest + 2), **extra}, follow=True)
    assert "лишние 2" in answer.content.decode()
    stored = Order.objects.get()
    assert (stored.problem, stored.status_id) == ("нет роз", "new")
    assert (order.events.count(), order.notes.count()) == (events, 0)


def test_comment_of_a_remade_bouquet_is_refused_with_the_numbers(browser, order):
    page = reverse("admin:orders_order_remake", args=[order.pk])
    answer = browser.post(page, {"comment": "я" * 502}, follow=True)
    assert "Введено 502 знака, допустимо 500: лишние 2" in answer.content.decode()
    assert not order.events.filter(kind=EventKind.CHANGED).exists()


def test_text_of_a_message_template_is_refused_with_the_numbers(browser, db):
    template = MessageTemplate.objects.first() or MessageTemplate.objects.create(name="x", text_ru="a", text_kk="b")
    url = reverse("admin:orders_messagetemplate_change", args=[template.pk])
    html = browser.get(url).content.decode()
    limit = MessageTemplate._meta.get_field("text_ru").max_length
    assert f'data-longest="{limit}"' in html
    form = read_form(html, "messagetemplate_form") | {"text_ru": "я" * (limit + 2)}
    assert "лишние 2" in browser.post(url, form).content.decode()
    template.refresh_from_db()
    assert len(template.text_ru) <= limit


def test_name_of_a_product_counts(browser, db):
    product = Product.objects.create(name="Роза")
    html = browser.get(reverse("admin:orders_product_change", args=[product.pk])).content.decode()
    assert 'maxlength="' not in html[html.index('id="crm-main"') :]
