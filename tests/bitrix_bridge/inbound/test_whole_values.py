"""Tests of phones, dates, statuses, prices and long texts of the site: shown whole, as typed, and never guessed."""

import html
import re
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone, translation

from bitrix_bridge.payloads.outgoing import update_request
from cvety_crm.roles import FLORIST
from notifications import texts
from orders import services
from orders.models import Customer, Order, Stage
from orders.paper.courier_texts import full_text
from orders.paper.orders_to_print import orders_to_print
from orders.paper.route_sheet import route_of, route_sheets
from orders.paper.work_order import work_orders
from orders.services.references import UNREAD_STATUS
from orders.sync.fields import order_values
from orders.values.paper_formats import A4
from tests.orders.paper.pdf import pdf_text
from tests.page_forms import read_form
from tests.roles import browser_of, person
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db
LIST = "/crm/orders/order/"
FIRST, SECOND = "+7 701 123-45-67", "+7 702 765-43-21"


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


@pytest.fixture
def staff(client, manager):
    client.force_login(manager)
    return client


def today(**changes):
    properties = {"data": timezone.localdate().isoformat(), **changes.pop("properties", {})}
    return order_data(properties=properties, **changes)


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
            "courier": plain(full_text(printed)),
            "route": plain(pdf_text(route_sheets(route_of([printed]), A4, user))),
            "work order": plain(pdf_text(work_orders([printed], A4))),
            "telegram": plain(texts.new_order(texts.OrderFacts(order=printed, items=list(printed.items.all())))),
            "file": plain(b"".join(staff.get(f"{LIST}export/", {"format": "csv", "preset": "all"}))),
        }


PHONES = ("list", "page", "courier", "route", "telegram", "file")


@pytest.mark.parametrize(
    "properties",
    [
        {"phoneRecipient": "87011234567 87027654321"},
        {"phoneRecipient": "8701123456787027654321"},
        {"phoneRecipient": ["87011234567", "8 702 765 43 21"]},
        {"phoneRecipient": "87011234567", "phoneRecipient2": "87027654321"},
        {"phoneRecipient": "87011234567", "recipientPhone": "+77027654321"},
    ],
)
def test_two_phones_of_recipient_are_both_shown_and_found(post_webhook, staff, properties):
    post_webhook("order.create", today(properties=properties))
    order = Order.objects.get()
    assert (order.recipient_phone, order.recipient_other_phones) == ("+77011234567", "+77027654321")
    seen = surfaces(staff, order)
    for name in PHONES:
        assert FIRST in seen[name], name
        assert SECOND in seen[name], name
    page = staff.get(change_url(order)).content.decode()
    assert 'href="tel:+77027654321"' in page
    assert 'href="https://wa.me/77027654321"' in page
    for query in ("8 702 765-43-21", "7654321", "4321"):
        assert "122183" in plain(staff.get(LIST, {"q": query, "preset": "all"}).content), query
    florist = browser_of(person(FLORIST))
    for url in (change_url(order), f"{LIST}?preset=all"):
        content = florist.get(url).content.decode()
        assert "7654321" not in re.sub(r"[^0-9]", "", plain(content)), url
        assert "4321" in plain(content), url


def test_changed_phone_keeps_the_second_one_on_the_site(post_webhook, staff):
    post_webhook("order.create", today(properties={"phoneRecipient": "87011234567, 87027654321"}))
    order = Order.objects.get()
    form = read_form(staff.get(change_url(order)).content.decode(), "order_form")
    staff.post(change_url(order), {**form, "recipient_phone": "87053334455"})
    order.refresh_from_db()
    assert (order.recipient_phone, order.recipient_other_phones) == ("+77053334455", "+77027654321")
    request = update_request(order, order_values(order, ["recipient_phone"]), [], pay_systems={})
    assert request["properties"] == {"phoneRecipient": "+77053334455, +77027654321"}
    form = read_form(staff.get(change_url(order)).content.decode(), "order_form")
    staff.post(change_url(order), {**form, "recipient_phone": "87053334455, 87056667788"})
    order.refresh_from_db()
    assert (order.recipient_phone, order.recipient_other_phones) == ("+77053334455", "+77056667788")


def test_extension_is_shown_as_typed(post_webhook, staff):
    post_webhook("order.create", today(properties={"phoneRecipient": "8 701 123 45 67 доб. 12"}))
    order = Order.objects.get()
    assert order.recipient_phone == "+77011234567"
    for name, text in surfaces(staff, order).items():
        if name in PHONES:
            assert "«8 701 123 45 67 доб. 12»" in text, name


@pytest.mark.parametrize("typed", ["8701123456", "870112345678", "17011234567", "звоните 250"])
def test_unreadable_phone_is_marked_and_no_link(post_webhook, staff, typed):
    post_webhook("order.create", today(properties={"phoneRecipient": typed}))
    order = Order.objects.get()
    assert order.recipient_phone == typed
    seen = surfaces(staff, order)
    for name in PHONES:
        assert f"не читается: «{typed}»" in seen[name], name
    assert "уточнить: телефон получателя" in seen["list"]
    page = staff.get(change_url(order)).content.decode()
    digits = re.sub(r"[^0-9]", "", typed)
    assert f"tel:{digits}" not in page
    assert f"wa.me/{digits}" not in page
    assert "122183" in plain(staff.get(LIST, {"preset": "unknown"}).content)


def test_unreadable_phone_identifies_no_customer(post_webhook):
    user = {"ID": None, "NAME": "Айгерим", "PERSONAL_PHONE": "нет"}
    properties = {"phone": None, "name": None, "email": None}
    post_webhook("order.create", today(user=user, USER_ID=None, properties=properties))
    other = {**user, "NAME": "Данияр"}
    data = today(ID="5", ACCOUNT_NUMBER="5", user=other, USER_ID=None, properties=properties)
    post_webhook("order.create", data)
    assert sorted(Customer.objects.values_list("name", "phone")) == [("Айгерим", "нет"), ("Данияр", "нет")]


def test_two_phones_of_customer_are_both_shown_and_found(post_webhook, staff):
    user = {"ID": "1079", "NAME": "Айгерим", "PERSONAL_PHONE": "87011234567", "PERSONAL_MOBILE": "87027654321"}
    post_webhook("order.create", today(user=user, properties={"phone": None, "phone2": "87053334455"}))
    customer = Customer.objects.get()
    assert (customer.phone, customer.other_phones) == ("+77011234567", "+77027654321\n+77053334455")
    order = Order.objects.get()
    seen = surfaces(staff, order)
    for name in ("page", "telegram", "file"):
        for phone in (FIRST, SECOND, "+7 705 333-44-55"):
            assert phone in seen[name], name
    assert "Айгерим" in plain(staff.get("/crm/orders/customer/", {"q": "87053334455"}).content)


def test_unreadable_date_is_shown_as_typed_everywhere(post_webhook, staff):
    data = today()
    post_webhook("order.create", data)
    order = Order.objects.get()
    post_webhook("order.update", next_version(data, properties={"data": "после дождичка"}))
    for name, text in surfaces(staff, order).items():
        assert "неизвестно: «после дождичка»" in text.replace("Неизвестно", "неизвестно"), name
    assert "дата неизвестно: «после дождичка»" in plain(staff.get(reverse("day_board")).content)


@pytest.mark.parametrize("code", ["???", "ОЖИДАНИЕ ОПЛАТЫ", ...])
def test_unreadable_status_is_a_problem_and_not_new(post_webhook, staff, code):
    data = today(STATUS_ID=code)
    post_webhook("order.create", data)
    order = Order.objects.get()
    assert (order.status_id, order.status.stage, order.sync_state) == (UNREAD_STATUS, Stage.PROBLEM, "synced")
    words = "Статус неизвестен" if code is ... else f"неизвестно: «{code}»"
    seen = surfaces(staff, order)
    for name in ("page", "telegram", "file"):
        assert words in seen[name], name
    assert "уточнить: статус" in seen["list"]
    assert "Новый" not in seen["telegram"]
    services.change_status(order_id=order.pk, status="accepted", actor=None)
    order.refresh_from_db()
    assert (order.status_id, order.unknown_values) == ("accepted", {})


def test_readable_status_ends_the_unknown_one(post_webhook):
    data = today(STATUS_ID="???")
    post_webhook("order.create", data)
    post_webhook("order.update", next_version(data, STATUS_ID="AP"))
    order = Order.objects.get()
    assert (order.status_id, order.unknown_values, order.sync_state) == ("accepted", {}, "synced")
    with pytest.raises(services.NotAllowedError):
        services.change_status(order_id=order.pk, status=UNREAD_STATUS, actor=None)


def test_prices_are_rounded_only_after_multiplying(post_webhook, staff):
    line = {"ID": "501", "PRODUCT_ID": "7", "NAME": "Роза", "PRICE": "333.3333", "BASE_PRICE": "333.3366"}
    data = today(basket=[{**line, "QUANTITY": "300"}], PRICE="99999.99", PRICE_DELIVERY="0")
    post_webhook("order.create", data)
    order = Order.objects.get()
    item = order.items.get()
    assert (item.price, item.total, order.discount_amount) == (
        Decimal("333.3333"),
        Decimal("99999.99"),
        Decimal("0.99"),
    )
    assert "333,3333 ₸" in surfaces(staff, order)["telegram"]
    assert post_webhook("order.update", next_version(data)).json()["action"] == "unchanged"
    form = read_form(staff.get(change_url(order)).content.decode(), "order_form")
    assert form["items-0-price"] == "333.3333"
    staff.post(change_url(order), {**form, "items-0-quantity": "301"})
    item.refresh_from_db()
    order.refresh_from_db()
    assert (item.total, order.total_amount) == (Decimal("100333.32"), Decimal("100333.32"))
    assert update_request(order, {"items": ...}, [item], pay_systems={})["items"][0]["price"] == 333.3333


def test_no_text_is_cut(post_webhook, staff):
    long = "длинное имя " * 60 + "конец"
    number, slot, address = "Ф" * 99 + "7", "как можно скорее, " * 20 + "ждём", "ул. Абая " * 2000 + "150"
    basket = [{"ID": "501", "PRODUCT_ID": "7", "NAME": "роза " * 300 + "конец", "PRICE": "1", "QUANTITY": "1"}]
    properties = {
        "name": long,
        "nameRecipient": long,
        "when": slot,
        "addressRecipient": address,
        "phoneRecipient": long,
    }
    user = {"ID": "1079", "NAME": long, "PERSONAL_PHONE": "87011234567"}
    post_webhook("order.create", today(ACCOUNT_NUMBER=number, basket=basket, properties=properties, user=user))
    order = Order.objects.get()
    assert (order.order_number, order.recipient_name, order.delivery_address) == (number, long, address)
    assert (order.delivery_slot.name, order.recipient_phone) == (slot, long)
    assert order.contact_name == long
    assert order.items.get().name == basket[0]["NAME"]
    form = read_form(staff.get(change_url(order)).content.decode(), "order_form")
    staff.post(change_url(order), {**form, "courier_comment": "позвонить"})
    order.refresh_from_db()
    assert (order.courier_comment, order.recipient_name, order.delivery_address) == ("позвонить", long, address)


def test_number_that_is_too_long_is_unknown_and_kept_whole(post_webhook, staff):
    number = "7" * 300
    post_webhook("order.create", today(ACCOUNT_NUMBER=number))
    order = Order.objects.get()
    assert (order.order_number, order.unknown_values) == ("122183", {"order_number": number})
    assert f"неизвестно: «{number}»" in plain(staff.get(change_url(order)).content)
