"""Tests of the admin pages of Telegram messages and chats."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from cvety_crm.outbox import State
from cvety_crm.users import User
from notifications.models import TelegramChat, TelegramMessage, TelegramMessageAttempt
from orders.models import Order
from tests.samples import order_data

MESSAGES = "/crm/notifications/telegrammessage/"
POST = {"_form_submitted": "True", "reason": "не нужно"}


@pytest.fixture
def browser(manager):
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def message(db, post_webhook):
    post_webhook("order.create", order_data())
    message = TelegramMessage.objects.create(
        kind="new_order",
        chat_id="-100",
        order=Order.objects.get(),
        text="<b>Заказ</b> & <i>букет</i>",
        state=State.FAILED,
    )
    TelegramMessageAttempt.objects.create(entry=message, number=1, answer="Bad Request: chat not found")
    return message


def test_message_page_shows_escaped_text_and_attempts(browser, message):
    html = browser.get(f"{MESSAGES}{message.pk}/change/").content.decode()
    assert "&lt;b&gt;Заказ&lt;/b&gt; &amp; " in html
    assert "chat not found" in html
    assert "№\xa0122183" in html
    assert 'name="_save"' not in html


def test_message_list_finds_messages_by_order_number_and_filters(browser, message):
    def found(**query):
        return f"{MESSAGES}{message.pk}/change/" in browser.get(MESSAGES, query).content.decode()

    assert found(q="122183")
    assert not found(q="5")
    assert found(state__exact="failed")
    assert not found(kind__exact="alert")


def test_manager_can_retry_and_cancel_a_message(browser, manager, message):
    assert browser.get(f"{MESSAGES}{message.pk}/retry/").status_code == 200
    browser.post(f"{MESSAGES}{message.pk}/retry/", POST)
    message.refresh_from_db()
    assert (message.state, message.retry_by) == (State.PENDING, manager)
    browser.post(f"{MESSAGES}{message.pk}/cancel/", POST)
    message.refresh_from_db()
    assert (message.state, message.last_error) == (State.CANCELLED, "не нужно")


def test_user_with_view_permission_cannot_retry_or_cancel(message):
    user = User.objects.create_user("reader", password="made-up", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_telegrammessage"))
    client = Client()
    client.force_login(user)
    assert client.get(f"{MESSAGES}{message.pk}/change/").status_code == 200
    for action in ("retry", "deliver_now", "cancel"):
        assert client.post(f"{MESSAGES}{message.pk}/{action}/", POST).status_code == 403
    assert client.get("/crm/notifications/telegramchat/").status_code == 403


def test_messages_cannot_be_added_changed_or_deleted(browser, message):
    assert browser.get(f"{MESSAGES}add/").status_code == 403
    assert browser.post(f"{MESSAGES}{message.pk}/change/", {"text": "другой"}).status_code == 403
    assert browser.post(f"{MESSAGES}{message.pk}/delete/", {"post": "yes"}).status_code == 403


def test_manager_can_add_and_edit_chats(browser, db):
    browser.post("/crm/notifications/telegramchat/add/", {"chat_id": "-1001", "title": "Флористы", "is_active": "on"})
    chat = TelegramChat.objects.get()
    assert (chat.title, chat.is_active, chat.wants_new_orders) == ("Флористы", True, False)
    assert "Флористы" in browser.get("/crm/notifications/telegramchat/").content.decode()
    assert browser.get(f"/crm/notifications/telegramchat/{chat.pk}/change/").status_code == 200


def test_order_page_links_to_its_messages(browser, message):
    html = browser.get(f"/crm/orders/order/{message.order_id}/change/").content.decode()
    assert f"{MESSAGES}{message.pk}/change/" in html
