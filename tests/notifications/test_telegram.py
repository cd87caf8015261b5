"""Tests of one request to the Bot API, and of the error for each kind of failure."""

import logging
import time
from typing import Any

import pytest

from cvety_crm.alerts import Alert, raise_alert
from cvety_crm.log_formats import LineFormatter
from cvety_crm.outbox import (
    DeliveryError,
    MisconfiguredError,
    PermanentDeliveryError,
    State,
    TemporaryDeliveryError,
    UnreachableError,
    deliver_due,
)
from notifications.models import TelegramChat, TelegramMessage
from notifications.telegram import send
from tests.notifications.bot_api import BotApi
from tests.notifications.conftest import CHAT
from tests.samples import order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def message(bot_api: BotApi) -> TelegramMessage:
    """Return a pending alert message."""
    raise_alert(Alert("something", "went wrong"))
    return TelegramMessage.objects.get()


@pytest.mark.parametrize(
    ("status", "description", "parameters", "failure", "message_part"),
    [
        (400, "Bad Request: chat not found", {}, PermanentDeliveryError, "chat does not exist"),
        (400, "Bad Request: can't parse entities: odd", {}, PermanentDeliveryError, "Can't parse entities: odd"),
        (401, "Unauthorized", {}, MisconfiguredError, "TELEGRAM_BOT_TOKEN"),
        (
            403,
            "Forbidden: bot was kicked from the group chat",
            {},
            PermanentDeliveryError,
            "may not write to this chat",
        ),
        (403, "Forbidden: bot was blocked by the user", {}, PermanentDeliveryError, "may not write to this chat"),
        (404, "Not Found", {}, MisconfiguredError, "TELEGRAM_BASE_URL"),
        (409, "Conflict: terminated by other long poll", {}, TemporaryDeliveryError, "could not be reached"),
        (429, "Too Many Requests: retry after 5", {"retry_after": 5}, TemporaryDeliveryError, "requests a delay"),
        (429, "Too Many Requests", {}, TemporaryDeliveryError, "could not be reached"),
        (500, "Internal Server Error", {}, TemporaryDeliveryError, "could not be reached"),
        (502, "Bad Gateway", {}, TemporaryDeliveryError, "could not be reached"),
    ],
)
def test_refusal_raises_the_error_for_its_status(
    message: TelegramMessage,
    bot_api: BotApi,
    status: int,
    description: str,
    parameters: dict[str, int],
    failure: type[DeliveryError],
    message_part: str,
) -> None:
    bot_api.fail(status, description, **parameters)
    with pytest.raises(failure) as caught:
        send(message)

    assert type(caught.value) is failure
    assert message_part in caught.value.message
    assert getattr(caught.value, "retry_after", None) == parameters.get("retry_after")
    assert len(bot_api.requests) == 1  # the library does not retry by itself


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>a proxy</html>", 200),
        (b"<html>a proxy</html>", 503),
        (b"", 200),
        (b"{}", 200),
        (b"[]", 200),
        (b"null", 200),
        (b'{"ok": true, "result": {}}', 200),
        (b'{"ok": true, "result": 5}', 200),
        (b"\xff\xfe", 200),
        (b"moved", 302),
    ],
)
def test_invalid_response_raises_temporary_error(
    message: TelegramMessage, bot_api: BotApi, body: bytes, status: int
) -> None:
    bot_api.answer_raw(body, status)
    with pytest.raises(TemporaryDeliveryError):
        send(message)


def test_missing_response_raises_error_after_the_timeout(
    message: TelegramMessage, bot_api: BotApi, settings: Any
) -> None:
    settings.OUTBOX_TIMEOUT = 0.4
    bot_api.hang()
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="did not answer in time"):
        send(message)

    assert time.monotonic() - started < 20


def test_refused_connection_ends_the_sweep(message: TelegramMessage, settings: Any) -> None:
    settings.TELEGRAM_BASE_URL = "http://127.0.0.1:1"
    with pytest.raises(UnreachableError, match="could not be reached"):
        send(message)


def test_messages_follow_a_group_that_became_a_supergroup(bot_api: BotApi, settings: Any, post_webhook: Any) -> None:
    bot_api.moved = {CHAT: -100777}
    post_webhook("order.create", order_data())
    post_webhook("order.create", order_data(ID="5"))
    deliver_due()

    assert [sent.chat_id for sent in bot_api.messages] == ["-100777", "-100777"]
    assert len(bot_api.requests) == 3  # the second message is sent to the new id directly
    chat = TelegramChat.objects.get()
    assert (chat.chat_id, chat.former_chat_id) == ("-100777", CHAT)

    # The settings still contain the old id, but each message is sent once and directly to the new id.
    post_webhook("order.create", order_data(ID="6"))
    raise_alert(Alert("something"))
    deliver_due()
    assert [sent.chat_id for sent in bot_api.messages[2:]] == ["-100777", "-100777"]
    assert len(bot_api.requests) == 5


def test_alert_chat_that_became_a_supergroup_receives_no_order_messages(
    bot_api: BotApi, settings: Any, post_webhook: Any
) -> None:
    settings.TELEGRAM_ALERT_CHAT_ID = "-7"
    bot_api.moved = {"-7": -100777}
    raise_alert(Alert("something"))
    deliver_due()
    post_webhook("order.create", order_data())
    deliver_due()

    assert [sent.chat_id for sent in bot_api.messages] == ["-100777", CHAT]


def test_chat_row_keeps_its_settings_when_its_id_changes(bot_api: BotApi, post_webhook: Any) -> None:
    TelegramChat.objects.create(chat_id=CHAT, title="Флористы", wants_status_changes=False)
    bot_api.moved = {CHAT: -100777}
    post_webhook("order.create", order_data())
    deliver_due()

    chat = TelegramChat.objects.get()
    assert (chat.chat_id, chat.title, chat.wants_status_changes) == ("-100777", "Флористы", False)


def test_chat_whose_id_keeps_changing_raises_temporary_error(message: TelegramMessage, bot_api: BotApi) -> None:
    bot_api.moved = {CHAT: -1, "-1": -2, "-2": -3, "-3": -4}
    with pytest.raises(TemporaryDeliveryError, match="keeps moving"):
        send(message)


@pytest.mark.parametrize("fault", ["none", "401", "502", "invalid response", "refused connection", "invalid token"])
def test_token_is_not_in_logs_or_stored_texts(
    message: TelegramMessage, bot_api: BotApi, settings: Any, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level(logging.DEBUG)
    token = bot_api.token
    match fault:
        case "401":
            bot_api.fail(401, f"Unauthorized: {token}")
        case "502":
            bot_api.fail(502, f"no upstream for /bot{token}/sendMessage")
        case "invalid response":
            bot_api.answer_raw(f"<html>/bot{token}/sendMessage</html>".encode())
        case "refused connection":
            settings.TELEGRAM_BASE_URL = "http://127.0.0.1:1"
        case "invalid token":
            token = settings.TELEGRAM_BOT_TOKEN = "123:made up\n<token>\x00"
    deliver_due()

    message.refresh_from_db()
    assert (message.state == State.DELIVERED) == (fault == "none")
    formatter = LineFormatter("%(name)s: %(message)s")
    stored = [str(vars(message)), *(str(vars(attempt)) for attempt in message.attempt_log.all())]
    for text in [*stored, *(formatter.format(record) for record in caplog.records)]:
        assert token not in text
        assert "made-up-token" not in text


def test_raised_error_does_not_contain_the_token(message: TelegramMessage, bot_api: BotApi) -> None:
    bot_api.fail(502, f"no upstream for /bot{bot_api.token}/sendMessage")
    with pytest.raises(TemporaryDeliveryError) as caught:
        send(message)

    assert bot_api.token not in f"{caught.value!r} {caught.value.answer} {caught.value.message}"
    assert caught.value.__cause__ is None
