"""The stand-in site, and orders that both sides know."""

from collections.abc import Callable, Iterator

import pytest

from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.site_client.bridge_client import BridgeClient
from orders.models import Order
from tests.bitrix_bridge.newer_bridge import ScriptedBridge
from tests.mariadb import Server, running
from tests.samples import order_data


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A server of one's own for each process that runs tests, started when the first test asks for it."""
    with running() as server:
        yield server


@pytest.fixture
def site(settings) -> Iterator[Sandbox]:
    """A stand-in site that the CRM is configured for; what it announces is kept, not sent."""
    with Sandbox(api_token=settings.BITRIX_API_TOKEN) as sandbox:
        settings.BITRIX_API_URL = sandbox.bridge_url
        BridgeClient().knows_all_actions()  # asked beforehand: faults are meant for what a test is about
        yield sandbox


@pytest.fixture
def bridge_of_version(site) -> Callable[[str], ScriptedBridge]:
    """Make the stand-in's bridge one of this version, which says what a test tells it to say."""

    def bridge_of_version(version: str = "1.2") -> ScriptedBridge:
        bridge = ScriptedBridge(site, version)
        BridgeClient().knows_all_actions()
        return bridge

    return bridge_of_version


@pytest.fixture
def shared_order(site, post_webhook) -> Order:
    """An order placed on the stand-in site and announced to the CRM."""
    placed = site.place_order()
    assert post_webhook("order.create", placed).json()["action"] == "created"
    return Order.objects.get(bitrix_order_id=int(placed["ID"]))


@pytest.fixture
def lone_order(post_webhook) -> Order:
    """The sample order, in the CRM alone."""
    post_webhook("order.create", order_data())
    return Order.objects.get()
