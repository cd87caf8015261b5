"""Fixtures of the sandbox, and of orders that exist on one or both sides."""

from collections.abc import Callable, Iterator

import pytest

from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.site_client.bridge_client import BridgeClient
from orders.models import Order
from tests.bitrix_bridge.scripted_bridge import ScriptedBridge
from tests.mariadb import Server, running
from tests.samples import order_data


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """Yield a MariaDB server of this test process, started when the first test needs it."""
    with running() as server:
        yield server


@pytest.fixture
def site(settings) -> Iterator[Sandbox]:
    """Yield a sandbox to which the settings of the CRM point. It stores its webhooks and does not send them."""
    with Sandbox(api_token=settings.BITRIX_API_TOKEN) as sandbox:
        settings.BITRIX_API_URL = sandbox.bridge_url
        BridgeClient().knows_all_actions()  # requested here, because faults must affect only the requests of the test
        yield sandbox


@pytest.fixture
def bridge_of_version(site) -> Callable[[str], ScriptedBridge]:
    """Return a function that replaces the sandbox's bridge with a scripted bridge of the given version."""

    def bridge_of_version(version: str = "1.2") -> ScriptedBridge:
        bridge = ScriptedBridge(site, version)
        BridgeClient().knows_all_actions()
        return bridge

    return bridge_of_version


@pytest.fixture
def shared_order(site, post_webhook) -> Order:
    """Return an order that was placed on the sandbox and received by the CRM."""
    placed = site.place_order()
    assert post_webhook("order.create", placed).json()["action"] == "created"
    return Order.objects.get(bitrix_order_id=int(placed["ID"]))


@pytest.fixture
def lone_order(post_webhook) -> Order:
    """Return the sample order, which exists only in the CRM."""
    post_webhook("order.create", order_data())
    return Order.objects.get()
