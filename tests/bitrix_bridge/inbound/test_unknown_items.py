"""Tests of quantities and prices of items that could not be read: they are never shown as 1 or 0, and never sent."""

import html
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone, translation

from bitrix_bridge.models import Push
from bitrix_bridge.payloads.outgoing import update_request
from cvety_crm.outbox import PermanentDeliveryError
from cvety_crm.roles import FLORIST
from notifications import texts
from orders import services
from orders.models import Order
from orders.paper.courier_texts import full_text, short_text
from orders.paper.orders_to_print import orders_to_print
from orders.paper.route_sheet import route_of, route_sheets
from orders.paper.work_order import work_orders
from orders.values.paper_formats import A4
from tests.orders.paper.pdf import pdf_text
from tests.page_forms import read_form
from tests.roles import browser_of, person
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db
LIST = "/crm/orders/order/"
BOUQUET = {"ID": "501", "PRODUCT_ID": "696613", "NAME": "Букет Стандарт", "PRICE": "7500.0", "QUANTITY": "1.0000"}
VASE = {"ID": "502", "PRODUCT_ID": "696614", "NAME": "Ваза", "PRICE": "3000.0", "QUANTITY": "2.0000"}


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture
def staff(client, manager):
    client.force_login(manager)
    return client


def ordered(*lines, days=0):
    day = timezone.localdate() + timedelta(days=days)
    return order_data(properties={"data": day.isoformat()}, basket=list(lines))


def without(line, name):
    return {key: value for key, value in line.items() if key != name}


def plain(content):
    text = html.unescape(re.sub(r"<[^>]+>", " ", content.decode() if isinstance(content, bytes) else content))
    return " ".join(text.split())


def change_url(order):
    return f"{LIST}{order.pk}/change/"


def surfaces(staff, order):
    """Return what each page, paper, message and file says of the order, as plain text."""
    (printed,) = orders_to_print(Order.objects.all(), [order.pk])
    response = staff.get(LIST, {"preset": "all"})
    user = response.wsgi_request.user
    with translation.override("ru"):
        return {
            "list": plain(response.content),
            "page": plain(staff.get(change_url(order)).content),
            "full": plain(full_text(printed)),
            "work order": plain(pdf_text(work_orders([printed], A4))),
            "route": plain(pdf_text(route_sheets(route_of([printed]), A4, user))),
            "telegram": plain(texts.new_order(texts.OrderFacts(order=printed, items=list(printed.items.all())))),
            "file": plain(b"".join(staff.get(f"{LIST}export/", {"format": "csv", "preset": "all"}))),
        }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({**BOUQUET, "QUANTITY": "две штуки"}, "неизвестно: «две штуки»"),
        ({**BOUQUET, "QUANTITY": "-2"}, "неизвестно: «-2»"),
        (without(BOUQUET, "QUANTITY"), "неизвестно"),
        ({**BOUQUET, "QUANTITY": ""}, "неизвестно"),
    ],
)
def test_unknown_quantity_is_nowhere_a_quantity(post_webhook, staff, line, words):
    post_webhook("order.create", ordered(line, VASE))
    order = Order.objects.get()
    assert order.items.first().unknown_values == {"quantity": line.get("QUANTITY", "")}
    for name, text in surfaces(staff, order).items():
        assert words in text, name
        assert not re.search(r"Букет Стандарт × [01]\b", text), name
    (printed,) = orders_to_print(Order.objects.all(), [order.pk])
    with translation.override("ru"):
        assert "неизвестное количество" in short_text(printed)
    assert "уточнить: состав" in surfaces(staff, order)["list"]


@pytest.mark.parametrize("price", ["дорого", "12 990 USD", None])
def test_unknown_price_is_nowhere_zero(post_webhook, staff, price):
    post_webhook("order.create", ordered({**BOUQUET, "PRICE": price}, VASE))
    order = Order.objects.get()
    words = f"неизвестно: «{price}»" if price else "неизвестно"
    seen = surfaces(staff, order)
    for name in ("page", "telegram"):
        assert words in seen[name], name
    for name, text in seen.items():
        assert not re.search(r"(?<![0-9] )\b0 ₸", text), name
    form = read_form(staff.get(change_url(order)).content.decode(), "order_form")
    assert (form["items-0-price"], form["items-1-price"]) == ("", "3000")
    assert order.items.first().product.price is None
    assert order.discount_amount == 0


def test_preset_lists_orders_with_unknown_items(post_webhook, staff):
    post_webhook("order.create", ordered({**BOUQUET, "QUANTITY": "две"}))
    post_webhook("order.create", {**ordered(BOUQUET), "ID": "5", "ACCOUNT_NUMBER": "5"})
    page = staff.get(LIST, {"preset": "unknown"}).content.decode()
    assert re.findall(r">№\xa0(\d+)", page) == ["122183"]


def test_basket_with_a_broken_line_is_asked_about(post_webhook, staff):
    post_webhook("order.create", ordered(BOUQUET, "ваза синяя"))
    order = Order.objects.get()
    assert order.unknown_values == {"items": "ваза синяя"}
    assert "состав — неизвестно: «ваза синяя»" in surfaces(staff, order)["page"]
    post_webhook("order.update", next_version(ordered(BOUQUET, VASE)))
    order.refresh_from_db()
    assert (order.unknown_values, order.items.count()) == ({}, 2)


def test_saving_the_page_unchanged_leaves_items_unknown(post_webhook, staff):
    post_webhook("order.create", ordered({**BOUQUET, "QUANTITY": "две", "PRICE": "дорого"}, VASE))
    order = Order.objects.get()
    form = read_form(staff.get(change_url(order)).content.decode(), "order_form")
    assert staff.post(change_url(order), {**form, "comment": "позвонить"}).status_code == 302
    order.refresh_from_db()
    assert order.comment == "позвонить"
    assert order.items.first().unknown_values == {"quantity": "две", "price": "дорого"}
    assert "items" in order.unknown_values


def test_changed_item_asks_for_the_unknown_one(post_webhook, staff):
    post_webhook("order.create", ordered({**BOUQUET, "QUANTITY": "две"}, VASE))
    order = Order.objects.get()
    form = read_form(staff.get(change_url(order)).content.decode(), "order_form")
    page = staff.post(change_url(order), {**form, "items-1-quantity": "5"})
    assert page.status_code == 200
    assert "Количество товара «Букет Стандарт» неизвестно" in plain(page.content)
    assert [item.quantity for item in order.items.all()] == [0, 2]
    assert not Push.objects.exists()


def test_values_that_staff_enter_are_known_and_sent(post_webhook, staff):
    data = ordered({**BOUQUET, "QUANTITY": "две", "PRICE": "дорого"}, VASE)
    post_webhook("order.create", data)
    order = Order.objects.get()
    form = read_form(staff.get(change_url(order)).content.decode(), "order_form")
    staff.post(change_url(order), {**form, "items-0-quantity": "2", "items-0-price": "8000"})
    order.refresh_from_db()
    item = order.items.first()
    assert (item.quantity, item.price, item.total, item.unknown_values) == (2, 8000, 16000, {})
    assert (order.unknown_values, order.total_amount) == ({}, 16000 + 6000 + 1500)
    sent = update_request(order, {"items": ...}, list(order.items.all()), pay_systems={})["items"]
    assert [(line["quantity"], line["price"]) for line in sent] == [(2, 8000), (2, 3000)]
    assert "неизвестно: «две» × неизвестно: «дорого»" in plain(staff.get(change_url(order)).content)
    post_webhook("order.update", next_version(data))  # the site repeats what could not be read
    item.refresh_from_db()
    assert (item.quantity, item.unknown_values) == (2, {})
    order.refresh_from_db()
    assert order.unknown_values == {}


def test_readable_values_of_the_site_end_the_unknown_ones(post_webhook):
    data = ordered({**BOUQUET, "QUANTITY": "две"}, VASE)
    post_webhook("order.create", data)
    post_webhook("order.update", next_version(data, basket=[{**BOUQUET, "QUANTITY": "2"}, VASE]))
    order = Order.objects.get()
    assert order.unknown_values == {}
    assert [(item.quantity, item.unknown_values) for item in order.items.all()] == [(2, {}), (2, {})]
    assert order.sync_state == "synced"


def test_repeated_unknown_values_change_nothing(post_webhook):
    data = ordered({**BOUQUET, "QUANTITY": "две"}, VASE)
    post_webhook("order.create", data)
    assert post_webhook("order.update", next_version(data)).json()["action"] == "unchanged"
    assert Order.objects.get().sync_state == "synced"


def test_unknown_items_are_never_sent(post_webhook):
    post_webhook("order.create", ordered({**BOUQUET, "QUANTITY": "две"}, VASE))
    order = Order.objects.get()
    with pytest.raises(PermanentDeliveryError):
        update_request(order, {"items": ...}, list(order.items.all()), pay_systems={})
    services.edit_order(order_id=order.pk, changes={"delivery_fee": 2000}, actor=None)
    order.refresh_from_db()
    assert (order.total_amount, order.delivery_fee) == (9500, 2000)
    with pytest.raises(services.NotAllowedError):
        services.edit_order(order_id=order.pk, changes={"discount_amount": 500}, actor=None)


def test_repeated_order_asks_for_unknown_values(post_webhook, staff):
    data = ordered({**BOUQUET, "QUANTITY": "две"}, {**without(VASE, "PRODUCT_ID"), "PRICE": "дорого"})
    post_webhook("order.create", {**data, "PRICE_DELIVERY": "по тарифу"})
    page = staff.get(f"{LIST}add/", {"from": Order.objects.get().pk}).content.decode()
    form = read_form(page, "new-order-form")
    assert (form["items-0-quantity"], form["items-1-price"], form["items-1-quantity"]) == ("", "", "2")
    for words in ("«две»", "«дорого»", "«по тарифу»"):
        assert words in plain(page), words


def test_texts_of_unknown_prices_are_hidden_from_who_may_not_see_prices(post_webhook):
    line = {**BOUQUET, "PRICE": "тайна 777", "QUANTITY": "две"}
    post_webhook("order.create", ordered(line, days=3))
    florist = browser_of(person(FLORIST))
    page = florist.get(change_url(Order.objects.get()))
    assert page.status_code == 200
    assert "777" not in page.content.decode()
    assert "неизвестно: «две»" in plain(page.content)
