"""Tests of files that are sent to Telegram chats."""

from typing import Any

import pytest

from cvety_crm.outbox import DeliveryError, NoLongerNeededError, PermanentDeliveryError, TemporaryDeliveryError
from notifications import recipients, telegram
from notifications.models import TelegramChat
from tests.notifications.bot_api import BotApi
from tests.notifications.conftest import CHAT

pytestmark = pytest.mark.django_db


def send(chat_id: str = "-200", text: str = "Sales: 9 000 ₸ <b> & co", content: bytes = b"PK\x03\x04\x00\xff") -> str:
    return telegram.send_file(
        chat_id,
        title="Sales",
        text=text,
        file_name="prodazhi.xlsx",
        content=content,
        content_type="application/zip",
        key="1",
    )


def test_file_is_sent_with_its_caption(bot_api: BotApi) -> None:
    assert send() == "message_id 1000"

    (sent,) = bot_api.files
    assert (sent.chat_id, sent.name, sent.content) == ("-200", "prodazhi.xlsx", b"PK\x03\x04\x00\xff")
    assert sent.caption == "Sales: 9 000 ₸ <b> & co"


def test_long_caption_is_cut(bot_api: BotApi) -> None:
    send(text="🌹" * 2000)

    assert bot_api.files[0].caption.endswith("🌹…")


def test_file_follows_a_group_to_its_new_id(bot_api: BotApi) -> None:
    bot_api.moved["-200"] = -1002
    send()
    send()

    assert [sent.chat_id for sent in bot_api.files] == ["-1002", "-1002"]
    assert bot_api.requested_chats == ["-200", "-1002", "-1002"]


@pytest.mark.parametrize(
    ("status", "description", "kind"),
    [
        (403, "Forbidden: bot was kicked from the supergroup chat", PermanentDeliveryError),
        (400, "Bad Request: chat not found", PermanentDeliveryError),
        (502, "Bad Gateway", TemporaryDeliveryError),
    ],
)
def test_refused_file_is_a_failure(bot_api: BotApi, status: int, description: str, kind: type[DeliveryError]) -> None:
    bot_api.fail(status, description)

    with pytest.raises(kind):
        send()

    assert bot_api.files == []


def test_too_large_file_is_refused_before_it_is_sent(bot_api: BotApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram, "MOST_FILE_BYTES", 3)

    with pytest.raises(PermanentDeliveryError, match="too large"):
        send()

    assert bot_api.requests == []


def test_nothing_is_sent_if_telegram_or_the_chat_is_switched_off(bot_api: BotApi, settings: Any) -> None:
    TelegramChat.objects.create(chat_id="-200", is_active=False)
    with pytest.raises(NoLongerNeededError, match="no longer receives"):
        send()
    settings.TELEGRAM_NOTIFICATIONS_ENABLED = False
    with pytest.raises(NoLongerNeededError, match="switched off"):
        send("-300")

    assert bot_api.requests == []


def test_chats_to_choose_from_are_the_active_ones_and_those_of_the_settings(bot_api: BotApi, settings: Any) -> None:
    settings.TELEGRAM_ALERT_CHAT_ID = "-7"
    TelegramChat.objects.create(chat_id="-200", title="Owner")
    TelegramChat.objects.create(chat_id="-300", title="Old", is_active=False)

    assert [chat_id for chat_id, _name in recipients.report_chats()] == ["-200", CHAT, "-7"]
