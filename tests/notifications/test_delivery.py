"""Tests of delivery from the site's webhook to the Bot API over HTTP, with the retries of the outbox."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cvety_crm.alerts import Alert, raise_alert
from cvety_crm.outbox import WAITS, AttemptOutcome, State, deliver_due, deliver_one
from cvety_crm.users import User
from notifications.models import TelegramChat, TelegramMessage
from orders.models import Order
from orders.services import change_status
from tests.notifications.bot_api import BotApi
from tests.notifications.conftest import CHAT
from tests.samples import order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def message(bot_api: BotApi, post_webhook: Any) -> TelegramMessage:
    """Return a pending message about an order received from the site."""
    post_webhook("order.create", order_data())
    return TelegramMessage.objects.get()


def make_due() -> None:
    """Make all pending messages due now."""
    TelegramMessage.objects.filter(state=State.PENDING).update(due_at=timezone.now() - timedelta(seconds=1))


def test_new_order_message_contains_all_order_data(message: TelegramMessage, bot_api: BotApi) -> None:
    deliver_due()

    sent = bot_api.messages[0]
    assert sent.chat_id == CHAT
    assert sent.params["parse_mode"] == "HTML"
    lines = sent.text.replace("\u00a0", " ").split("\n")
    assert lines[0] == "🆕 Order № 122183 · 9 000 ₸ · not paid (cash)"
    assert lines[1].startswith("📋 Новый · 24 August 2025, 12:00 · from the site")
    assert lines[2:] == [
        "🕐 Mon 25 August 2025, 15:00–16:00",
        "🌷 Букет Стандарт — 1 pcs × 7 500 ₸",
        "🚚 Delivery 1 500 ₸ · Алматы · CVETYKZ",
        "📍 ул. Абая 150, кв 25",
        "🙎 Мария, +7 701 123-45-67",
        "💌 С днём рождения, мама! 🌹",
        "✍️ без лилий, аллергия",
        "📝 позвонить за час",
        "👤 Айгерим, +7 777 123-45-67 · first order",
    ]
    assert sent.buttons["On the map"].startswith("https://2gis.kz/search/%D0%90%D0%BB%D0%BC")
    message.refresh_from_db()
    assert (message.state, message.telegram_message_id, message.text) == (State.DELIVERED, sent.message_id, sent.html)
    assert message.last_code == "200"


def test_status_message_shows_its_own_change_and_current_order_data(
    message: TelegramMessage, bot_api: BotApi, manager: User, post_webhook: Any
) -> None:
    order = Order.objects.get()
    change_status(order_id=order.pk, status="accepted", actor=manager, comment="позвонила <сама>")
    change_status(order_id=order.pk, status="delivering", actor=manager)
    Order.objects.update(delivery_address="пр. Достык 5")
    deliver_due()

    accepted, delivering = (sent.text for sent in bot_api.messages if "🔄" in sent.text)
    assert "Новый → Принят · Данияр, " in accepted
    assert "💬 позвонила <сама>" in accepted
    assert "Принят → Доставляется · Данияр, " in delivering
    assert "📍 пр. Достык 5" in accepted


def test_alert_is_delivered_as_escaped_text(bot_api: BotApi) -> None:
    raise_alert(Alert("Push № 5 <b>", "down & out"))
    deliver_due()

    assert bot_api.messages[0].text == "⚠️ Push № 5 <b>\ndown & out"
    assert bot_api.messages[0].buttons == {}


def test_number_of_queries_does_not_depend_on_number_of_lines(bot_api: BotApi, post_webhook: Any) -> None:
    counts = []
    for number, items in enumerate((1, 30)):
        basket = [{"ID": f"{line}", "NAME": "Роза", "QUANTITY": "1", "PRICE": "1"} for line in range(items)]
        post_webhook("order.create", order_data(ID=str(number + 1), basket=basket))
        message = TelegramMessage.objects.get(state=State.PENDING)
        with CaptureQueriesContext(connection) as queries:
            deliver_one(TelegramMessage, message.pk)
        counts.append(len(queries))

    assert len(bot_api.messages) == 2
    assert counts[0] == counts[1]


def test_message_refused_with_429_is_retried_after_the_requested_delay(
    message: TelegramMessage, bot_api: BotApi
) -> None:
    bot_api.fail(429, "Too Many Requests: retry after 47", retry_after=47)
    deliver_due()

    message.refresh_from_db()
    assert message.state == State.PENDING
    assert 40 < (message.due_at - timezone.now()).total_seconds() <= 47
    assert message.last_error == "Telegram requests a delay: too many messages."
    assert "Order № 122183" in message.text

    make_due()
    deliver_due()
    message.refresh_from_db()
    assert message.state == State.DELIVERED
    outcomes = [attempt.outcome for attempt in message.attempt_log.order_by("number")]
    assert outcomes == [AttemptOutcome.POSTPONED, AttemptOutcome.DELIVERED]


def test_other_messages_to_a_chat_are_postponed_after_a_429(bot_api: BotApi, post_webhook: Any) -> None:
    TelegramChat.objects.create(chat_id="-1")
    for number in range(5):
        post_webhook("order.create", order_data(ID=str(number + 1)))
    first = TelegramMessage.objects.filter(chat_id=CHAT).earliest("due_at")
    bot_api.fail_for(CHAT, 429, "Too Many Requests: retry after 30", retry_after=30)
    deliver_due()

    assert [chat_id for chat_id in bot_api.requested_chats if chat_id == CHAT] == [CHAT]
    assert bot_api.requested_chats.count("-1") == 5
    waiting = TelegramMessage.objects.filter(chat_id=CHAT).order_by("due_at", "created_at")
    assert [message.failures for message in waiting] == [1, 0, 0, 0, 0]
    assert waiting[0] == first

    make_due()
    deliver_due()
    assert TelegramMessage.objects.filter(state=State.DELIVERED).count() == 10


def test_message_fails_after_last_retry_without_an_alert(message: TelegramMessage, bot_api: BotApi) -> None:
    for _attempt in range(len(WAITS) + 1):
        bot_api.fail(502, "Bad Gateway")
        make_due()
        deliver_due()

    message.refresh_from_db()
    assert message.state == State.FAILED
    assert message.last_error == "Telegram could not be reached."
    assert TelegramMessage.objects.count() == 1


def test_failed_alert_message_raises_no_other_alert(bot_api: BotApi) -> None:
    raise_alert(Alert("something"))
    bot_api.fail(403, "Forbidden: bot was kicked from the supergroup chat")
    deliver_due()

    assert TelegramMessage.objects.get().state == State.FAILED


def test_message_sent_by_a_worker_that_died_is_not_sent_again(message: TelegramMessage, bot_api: BotApi) -> None:
    TelegramMessage.objects.update(
        state=State.SENDING, lease_until=timezone.now() - timedelta(seconds=1), telegram_message_id=77
    )
    deliver_due()

    message.refresh_from_db()
    assert (message.state, message.telegram_message_id) == (State.DELIVERED, 77)
    assert bot_api.requests == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("TELEGRAM_NOTIFICATIONS_ENABLED", False, "switched off"),
        ("TELEGRAM_BOT_TOKEN", "", "TELEGRAM_BOT_TOKEN is not set"),
    ],
)
def test_pending_message_is_cancelled_when_telegram_is_disabled(
    message: TelegramMessage, bot_api: BotApi, settings: Any, name: str, value: Any, reason: str
) -> None:
    setattr(settings, name, value)
    deliver_due()

    message.refresh_from_db()
    assert message.state == State.CANCELLED
    assert reason in message.last_error
    assert bot_api.requests == []


def test_pending_message_is_cancelled_when_its_chat_is_deactivated(message: TelegramMessage, bot_api: BotApi) -> None:
    TelegramChat.objects.create(chat_id=CHAT, is_active=False)
    deliver_due()

    message.refresh_from_db()
    assert (message.state, message.last_error) == (State.CANCELLED, "This chat no longer receives messages.")


def test_cancelled_message_can_be_retried_after_chat_is_configured(
    bot_api: BotApi, settings: Any, post_webhook: Any
) -> None:
    settings.TELEGRAM_CHAT_ID = ""
    post_webhook("order.create", order_data())
    settings.TELEGRAM_CHAT_ID = CHAT
    message = TelegramMessage.objects.get()

    assert message.retry()
    deliver_due()

    message.refresh_from_db()
    assert (message.state, message.chat_id) == (State.DELIVERED, CHAT)
    assert bot_api.messages[0].chat_id == CHAT
