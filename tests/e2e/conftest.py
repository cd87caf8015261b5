"""Fixtures of the end-to-end tests: the CRM, the sandbox and a fake Bot API, all over real HTTP."""

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
    """Yield a sandbox that sends webhooks to the CRM and receives its pushes."""
    with Sandbox(
        f"{live_server.url}/webhooks/bitrix/order",
        webhook_token=settings.WEBHOOK_TOKENS[0],
        api_token=settings.BITRIX_API_TOKEN,
    ) as sandbox:
        settings.BITRIX_API_URL = sandbox.bridge_url
        # This query is sent before the test, so a fault that the test requests affects a later request.
        BridgeClient().knows_all_actions()
        yield sandbox


@pytest.fixture
def settle(site: Sandbox) -> Callable[[], None]:
    """Return a function that delivers webhooks, pushes and messages until none is left."""

    def deliver_all() -> None:
        for _round in range(5):
            site.flush()
            if not deliver_due():
                return
        raise AssertionError("the two systems keep sending changes")

    return deliver_all


@pytest.fixture
def arrived(site: Sandbox, settle: Callable[[], None]) -> Callable[..., Order]:
    """Return a function that creates an order on the site and returns the order that the CRM has received."""

    def place(**request: object) -> Order:
        placed = site.place_order(**request)
        settle()
        return Order.objects.get(bitrix_order_id=int(placed["ID"]))

    return place


@pytest.fixture
def bot_api(settings) -> Iterator[BotApi]:
    """Yield a fake Bot API with one chat, to which the settings of the CRM point."""
    with BotApi() as api:
        settings.TELEGRAM_NOTIFICATIONS_ENABLED = True
        settings.TELEGRAM_BASE_URL, settings.TELEGRAM_BOT_TOKEN = api.url, api.token
        settings.TELEGRAM_CHAT_ID = settings.TELEGRAM_ALERT_CHAT_ID = "-100"
        yield api


@pytest.fixture
def crm() -> Iterator[Crm]:
    """Yield the CRM as it runs in production, with its own PostgreSQL."""
    # tmp_path can't be used: pytest gives only the current user access to its parent folder. If the current user is
    # root, PostgreSQL runs as a different user, who also needs access.
    with tempfile.TemporaryDirectory(prefix="cvety-crm-") as folder:
        running = Crm(Path(folder) / "postgres")
        try:
            yield running
        finally:
            running.stop()
