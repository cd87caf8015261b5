"""What the probes say of Telegram, with a Bot API of our own."""

import pytest

from cvety_crm.ops.health import Level
from notifications import probes
from notifications.models import TelegramMessage
from tests.notifications.bot_api import TOKEN


def test_switched_off_is_a_remark_and_half_on_a_problem(settings):
    found = probes.telegram.run()
    assert (found.level, found.figure) == (Level.YELLOW, "switched off")
    settings.TELEGRAM_NOTIFICATIONS_ENABLED = True
    assert probes.telegram.run().level == Level.RED


def test_the_bot_answers(bot_api):
    found = probes.telegram.run()
    assert (found.level, found.figure) == (Level.GREEN, "the bot @cvety_made_up_bot answers")
    assert bot_api.requests[0][0] == "getMe"


@pytest.mark.parametrize("spoil", ["token", "error", "nonsense", "silence"])
def test_trouble_is_red_and_tells_no_secret(bot_api, settings, monkeypatch, spoil):
    if spoil == "token":
        settings.TELEGRAM_BOT_TOKEN = "123456:another-made-up-token"
    elif spoil == "error":
        bot_api.fail(500, "Internal Server Error")
    elif spoil == "nonsense":
        bot_api.answer_raw(b"<html>")
    else:
        monkeypatch.setattr(probes, "REQUEST_SECONDS", 0.3)
        bot_api.hang()
    found = probes.telegram.run()
    assert found.level == Level.RED
    assert TOKEN not in f"{found}"
    assert "another-made-up-token" not in f"{found}"


@pytest.mark.django_db
def test_messages_given_up():
    assert probes.undelivered.run().level == Level.GREEN
    TelegramMessage.objects.create(kind="alert", text="—", state="failed")
    found = probes.undelivered.run()
    assert (found.level, found.figure) == (Level.YELLOW, "1")
