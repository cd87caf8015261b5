"""Tests of the messages in a browser: a tap opens WhatsApp, is recorded without delaying the link, and is shown."""

import re
from urllib.parse import unquote

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from orders.models import EventKind, Order, OrderEvent
from tests.browser.conftest import LIST, unfold

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def order(shop):
    found = shop.order(1001)
    Order.objects.filter(pk=found.pk).update(status="delivering")
    return found


@pytest.fixture
def chats(screen):
    """Answer requests to WhatsApp, which the tests can't reach."""
    screen.context.route("https://wa.me/**", lambda route: route.fulfill(body="WhatsApp"))


def test_message_is_sent_copied_and_recorded_in_the_chosen_language(screen, order, chats):
    page = screen.open(f"{LIST}{order.pk}/change/")
    panel = unfold(page, "Сообщения")
    with page.expect_popup() as opened:
        panel.get_by_role("link", name="WhatsApp: В пути").first.click()
    assert "wa.me/77771234567?text=Здравствуйте, Айгерим!" in unquote(opened.value.url)
    expect(panel.get_by_role("status").first).to_have_text(re.compile(r"отправлено в WhatsApp: Данияр, \d\d:\d\d"))

    panel.get_by_role("radio", name="Қазақша").first.check(force=True)
    panel.get_by_role("button", name="Скопировать: В пути").first.click()
    expect(panel.get_by_role("status").first).to_have_text(re.compile(r"скопировано: Данияр, \d\d:\d\d"))
    assert screen.clipboard().startswith("Сәлеметсіз бе, Айгерим!")
    found = OrderEvent.objects.filter(kind=EventKind.MESSAGE).order_by("happened_at").values_list("details", flat=True)
    assert [(one["channel"], one["language"]) for one in found] == [("whatsapp", "ru"), ("copy", "kk")]
    page.reload()
    unfold(page, "Сообщения")
    expect(page.get_by_role("radio", name="Қазақша").first).to_be_checked()


def test_message_that_was_not_recorded_is_not_shown_as_recorded(screen, order, chats):
    page = screen.open(f"{LIST}{order.pk}/change/")
    panel = unfold(page, "Сообщения")
    screen.context.route("**/messages/**", lambda route: route.abort())
    with page.expect_popup():
        panel.get_by_role("link", name="WhatsApp: В пути").first.click()
    expect(panel.get_by_role("status").first).to_have_text("Не записано в историю: нет связи или ответа")
    assert not OrderEvent.objects.filter(kind=EventKind.MESSAGE).exists()


def test_template_is_previewed_while_it_is_typed(screen, db):
    page = screen.open(reverse("admin:orders_messagetemplate_add"))
    preview = page.get_by_role("region", name="Как это выглядит на примере заказа")
    page.get_by_label(re.compile("^Текст на русском")).fill("Ждём вас[, {имя}]!")
    expect(preview).to_contain_text("Ждём вас, Айгерим!")
    page.get_by_label(re.compile("^Текст на русском")).fill("Ждём вас, {имея}!")
    expect(preview).to_contain_text("Значения {имея} нет")
