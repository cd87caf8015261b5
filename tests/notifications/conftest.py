"""Fixtures of the notification tests: a Bot API server, and English messages."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import translation

from tests.notifications.bot_api import BotApi

CHAT = "-100500"


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Activate English, because the tests must not depend on the translations."""
    with translation.override("en"):
        yield


@pytest.fixture
def bot_api(settings: Any) -> Iterator[BotApi]:
    """Enable Telegram, and yield the Bot API server that the CRM uses."""
    with BotApi() as api:
        settings.TELEGRAM_NOTIFICATIONS_ENABLED = True
        settings.TELEGRAM_BASE_URL = api.url
        settings.TELEGRAM_BOT_TOKEN = api.token
        settings.TELEGRAM_CHAT_ID = settings.TELEGRAM_ALERT_CHAT_ID = CHAT
        settings.OUTBOX_TIMEOUT = 5.0  # seconds
        settings.PUBLIC_URL = "https://crm.example.kz"
        yield api
