"""Tests of the messages on the order's page and in the dialog of a row, and of the pages of templates."""

import html
import re
from urllib.parse import unquote
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cvety_crm.roles import DISPATCHER, FLORIST, MANAGER, OWNER
from orders.models import EventKind, MessageTemplate, Order, OrderEvent
from tests.orders.admin.conftest import LIST, change_url
from tests.page_forms import read_form
from tests.roles import browser_of as browser_as
from tests.roles import person

TEMPLATES = reverse("admin:orders_messagetemplate_changelist")


def shown(browser, order):
    """Return the links to WhatsApp with a text, by the name of the message, as (phone, text)."""
    page = browser.get(change_url(order)).content.decode()
    links = re.findall(
        r'href="https://wa.me/(\d+)\?text=([^"]*)"[^>]*data-message-channel[^>]*aria-label="WhatsApp: ([^"]*)"', page
    )
    return [(name, phone, unquote(html.unescape(text))) for phone, text, name in links]


def message_url(order, name="В пути", addressee="customer"):
    key = MessageTemplate.objects.get(name=name, addressee=addressee).pk
    return reverse("admin:orders_order_message", args=[order.pk, key])


def put(order, status, **changes):
    Order.objects.filter(pk=order.pk).update(status=status, **changes)


def test_page_offers_messages_of_the_state_in_both_languages(browser, make_order):
    order = make_order()
    put(order, "delivering")
    found = shown(browser, order)
    assert {name for name, _phone, _text in found} == {"В пути", "Опаздываем", "Никого нет дома"}
    assert (
        "В пути",
        "77771234567",
        "Здравствуйте, Айгерим! Ваш заказ №\xa0122183 уже в пути. Время доставки: 15:00–16:00.",
    ) in found
    assert any(text.startswith("Сәлеметсіз бе, Мария! ") and phone == "77011234567" for _name, phone, text in found)
    put(order, "completed")
    assert {name for name, *_rest in shown(browser, order)} == {"Доставлен", "Отзыв"}


def test_surprise_offers_no_message_to_the_recipient(browser, make_order):
    order = make_order()
    put(order, "delivering", is_surprise=True)
    assert {phone for _name, phone, _text in shown(browser, order)} == {"77771234567"}
    assert "Сюрприз: получателю не писать" in browser.get(change_url(order)).content.decode()


def test_unknown_sum_is_named_and_no_message_about_payment_can_be_sent(browser, make_order):
    order = make_order()
    assert any(name == "Оплатите" and "9\xa0000\xa0₸" in text for name, _phone, text in shown(browser, order))
    put(order, "new", unknown_values={"total_amount": "много"})
    assert not any(name == "Оплатите" for name, *_rest in shown(browser, order))
    assert "Сумма к оплате неизвестна" in browser.get(change_url(order)).content.decode()


def test_message_with_sums_is_not_offered_to_a_user_who_may_not_see_them(browser_of, make_order):
    order = make_order()
    reader = browser_of("orders.view_order", "orders.view_phones")
    found = shown(reader, order)
    assert found
    assert not any(name == "Оплатите" for name, *_rest in found)
    assert "₸" not in "".join(text for *_rest, text in found)


def test_user_who_may_not_see_phones_has_no_messages(browser_of, make_order):
    order = make_order()
    florist = browser_of("orders.view_order", "orders.change_order_status", "orders.view_all_prices")
    for url in (change_url(order), f"{LIST}{order.pk}/contacts/"):
        page = florist.get(url).content.decode()
        assert "data-message" not in page
        assert "wa.me" not in page
    assert florist.post(message_url(order), {"language": "ru", "channel": "copy"}).status_code == 403
    assert not OrderEvent.objects.filter(kind=EventKind.MESSAGE).exists()


def test_dialog_of_a_row_has_the_same_messages(browser, make_order):
    order = make_order()
    put(order, "delivering")
    page = browser.get(f"{LIST}{order.pk}/contacts/", headers={"HX-Request": "true"}).content.decode()
    assert "уже в пути" in html.unescape(page)
    assert message_url(order) in page


def test_tap_is_recorded_and_shown_to_colleagues(browser, make_order):
    order = make_order()
    put(order, "delivering")
    answer = browser.post(message_url(order), {"language": "kk", "channel": "whatsapp"})
    assert answer["Content-Type"].startswith("text/plain")
    assert answer.content.decode().startswith("отправлено в WhatsApp: Данияр, ")
    page = browser.get(change_url(order)).content.decode()
    assert answer.content.decode() in page
    assert "Сообщение «В пути» отправлено в WhatsApp" in page


def test_last_language_of_the_customer_is_chosen_for_the_next_order(browser, make_order):
    first = make_order()
    browser.post(message_url(first), {"language": "kk", "channel": "copy"})
    second = make_order(122184)
    put(second, "delivering")
    page = browser.get(change_url(second)).content.decode()
    assert re.search(r'name="message-language-customer"\s+value="kk" data-message-language checked', page)
    assert re.search(r'name="message-language-recipient"\s+value="ru" data-message-language checked', page)


def test_refused_and_unknown_taps_are_answered(browser, make_order):
    order = make_order()
    refused = browser.post(message_url(order), {"language": "en", "channel": "copy"})
    assert refused.status_code == 409
    assert "Откройте страницу заново" in refused.content.decode()
    gone = reverse("admin:orders_order_message", args=[order.pk, uuid4()])
    assert browser.post(gone, {"language": "ru", "channel": "copy"}).status_code == 409
    nowhere = reverse("admin:orders_order_message", args=[uuid4(), uuid4()])
    assert browser.post(nowhere, {"language": "ru", "channel": "copy"}).status_code == 404


def test_number_of_queries_does_not_depend_on_templates_and_messages(browser, make_order):
    order = make_order()

    def cost():
        with CaptureQueriesContext(connection) as queries:
            browser.get(change_url(order))
        return len(queries)

    cost()
    few = cost()
    MessageTemplate.objects.bulk_create(
        MessageTemplate(name=str(number), text_ru="Текст {имя}.", text_kk="Мәтін {имя}.") for number in range(20)
    )
    for channel in ("copy", "whatsapp"):
        browser.post(message_url(order), {"language": "ru", "channel": channel})
    assert cost() == few


@pytest.mark.parametrize(
    ("role", "adds", "deletes"), [(OWNER, 200, 200), (MANAGER, 200, 403), (DISPATCHER, 403, 403), (FLORIST, 403, 403)]
)
def test_owner_and_manager_edit_templates(db, role, adds, deletes):
    browser, one = browser_as(person(role)), MessageTemplate.objects.first()
    assert browser.get(f"{TEMPLATES}add/").status_code == adds
    assert browser.post(f"{TEMPLATES}preview/", {"text_ru": "а", "text_kk": "б"}).status_code == adds
    assert browser.get(f"{TEMPLATES}{one.pk}/delete/").status_code == deletes


def test_template_is_edited_and_its_mistakes_are_named(browser, db):
    one = MessageTemplate.objects.get(name="В пути", addressee="customer")
    url = f"{TEMPLATES}{one.pk}/change/"
    form = read_form(browser.get(url).content.decode(), "messagetemplate_form")
    page = browser.post(url, {**form, "text_kk": "Сәлем, {аты}!"}).content.decode()
    assert "Значения {аты} нет" in page
    page = browser.post(url, {**form, "addressee": "recipient", "name": "Сумма", "text_ru": "{сумма}"}).content.decode()
    assert "Получатель не должен видеть стоимость подарка: {сумма}." in page
    page = browser.post(url, {**form, "addressee": "recipient"}).content.decode()
    assert "Сообщение этому адресату с таким названием уже есть." in page
    one.refresh_from_db()
    assert one.text_kk.startswith("Сәлеметсіз бе")
    assert browser.post(url, {**form, "stages": ["ready", "done"], "text_ru": " Едем.\r\nЖдите. "}).status_code == 302
    one.refresh_from_db()
    assert (one.stages, one.text_ru) == (["ready", "done"], "Едем.\nЖдите.")


def test_preview_shows_the_texts_or_the_mistakes(browser, db):
    texts = {"addressee": "customer", "text_ru": "Привет, {имя}! К оплате {к оплате}.", "text_kk": "Сәлем, {аты}!"}
    page = browser.post(f"{TEMPLATES}preview/", texts).content.decode()
    assert "Привет, Айгерим! К оплате 17\xa0000\xa0₸." in page
    assert "Значения {аты} нет" in page
    page = browser.post(f"{TEMPLATES}preview/", {"addressee": "recipient", "text_ru": "{имя}", "text_kk": "{имя}"})
    assert page.content.decode().count("Мария") == 2
