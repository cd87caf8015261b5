"""Tests of the probes for Telegram, with the Bot API server of the tests."""

import pytest

from cvety_crm.ops.health import Level
from notifications import probes
from notifications.models import TelegramMessage
from tests.notifications.bot_api import TOKEN


def test_probe_is_green_when_telegram_is_disabled_and_red_without_token(settings):
    found = probes.telegram.run()
    assert (found.level, found.figure) == (Level.GREEN, "switched off")
    settings.TELEGRAM_NOTIFICATIONS_ENABLED = True
    assert probes.telegram.run().level == Level.RED


def test_probe_is_green_when_the_bot_answers(bot_api):
    found = probes.telegram.run()
    assert (found.level, found.figure) == (Level.GREEN, "the bot @cvety_made_up_bot answers")
    assert bot_api.requests[0][0] == "getMe"


@pytest.mark.parametrize("fault", ["wrong token", "server error", "invalid response", "no response"])
def test_probe_is_red_on_failure_and_shows_no_secret(bot_api, settings, monkeypatch, fault):
    if fault == "wrong token":
        settings.TELEGRAM_BOT_TOKEN = "123456:another-made-up-token"
    elif fault == "server error":
        bot_api.fail(500, "Internal Server Error")
    elif fault == "invalid response":
        bot_api.answer_raw(b"<html>")
    else:
        monkeypatch.setattr(probes, "REQUEST_SECONDS", 0.3)
        bot_api.hang()
    found = probes.telegram.run()
    assert found.level == Level.RED
    assert TOKEN not in f"{found}"
    assert "another-made-up-token" not in f"{found}"


@pytest.mark.django_db
def test_probe_counts_failed_messages():
    assert probes.undelivered.run().level == Level.GREEN
    TelegramMessage.objects.create(kind="alert", text="—", state="failed")
    found = probes.undelivered.run()
    assert (found.level, found.figure) == (Level.YELLOW, "1")
