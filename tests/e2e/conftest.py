"""The CRM on a real port, the stand-in site and the fake Bot API beside it, all talking over HTTP."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.site_client.bridge_client import BridgeClient
from cvety_crm.outbox import deliver_due
from orders.models import Order
from tests.e2e.running_crm import Crm
from tests.notifications.bot_api import BotApi


@pytest.fixture
def site(live_server: LiveServer, settings) -> Iterator[Sandbox]:
    """A stand-in site that announces everything to the CRM, and that the CRM pushes to."""
    with Sandbox(
        f"{live_server.url}/webhooks/bitrix/order",
        webhook_token=settings.WEBHOOK_TOKENS[0],
        api_token=settings.BITRIX_API_TOKEN,
    ) as sandbox:
        settings.BITRIX_API_URL = sandbox.bridge_url
        BridgeClient().knows_all_actions()  # asked beforehand: faults are meant for what a test is about
        yield sandbox


@pytest.fixture
def settle(site: Sandbox) -> Callable[[], None]:
    """Let both sides talk until neither has anything left to say: webhooks in, pushes and messages out."""

    def until_quiet() -> None:
        for _round in range(5):
            site.flush()
            if not deliver_due():
                return
        raise AssertionError("the two sides do not come to rest")

    return until_quiet


@pytest.fixture
def arrived(site: Sandbox, settle: Callable[[], None]) -> Callable[..., Order]:
    """Place an order on the site and return it as it arrived in the CRM."""

    def place(**request: object) -> Order:
        placed = site.place_order(**request)
        settle()
        return Order.objects.get(bitrix_order_id=int(placed["ID"]))

    return place


@pytest.fixture
def bot_api(settings) -> Iterator[BotApi]:
    """A fake Bot API that the CRM is configured for, with one chat."""
    with BotApi() as api:
        settings.TELEGRAM_NOTIFICATIONS_ENABLED = True
        settings.TELEGRAM_BASE_URL, settings.TELEGRAM_BOT_TOKEN = api.url, api.token
        settings.TELEGRAM_CHAT_ID = settings.TELEGRAM_ALERT_CHAT_ID = "-100"
        yield api


@pytest.fixture
def crm() -> Iterator[Crm]:
    """The CRM as in production, on a PostgreSQL of its own."""
    # Not tmp_path: each pytest that starts closes the folder above it to others, and PostgreSQL does not run as root.
    with tempfile.TemporaryDirectory(prefix="cvety-crm-") as folder:
        running = Crm(Path(folder) / "postgres")
        try:
            yield running
        finally:
            running.stop()
