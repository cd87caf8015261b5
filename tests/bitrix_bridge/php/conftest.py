"""Fixtures of the shop in PHP, alone or together with a real CRM."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.bitrix_bridge.php.databases import MariaDatabase, ShopDatabase, SqliteDatabase
from tests.bitrix_bridge.php.site import API_TOKEN, PhpSite
from tests.bitrix_bridge.sandbox.conftest import Receiver

MakeSite = Callable[..., PhpSite]


_numbers = itertools.count(1)


@pytest.fixture(params=["sqlite", "mariadb"])
def shop_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ShopDatabase]:
    """Yield the shop's database. Each test runs with SQLite and with MariaDB."""
    if request.param == "sqlite":
        yield SqliteDatabase(tmp_path / "bitrix.sqlite")
        return
    # The name is new, because a killed server of the previous test may still hold its locks.
    database = MariaDatabase(request.getfixturevalue("mariadb"), f"shop_{next(_numbers)}")
    yield database
    database.drop()


@pytest.fixture
def make_site(tmp_path: Path, shop_database: ShopDatabase) -> Iterator[MakeSite]:
    """Yield a function that opens a shop. Its keyword arguments are those of `PhpSite`."""
    with ExitStack() as opened:

        def open_shop(**options: Any) -> PhpSite:
            return opened.enter_context(PhpSite(tmp_path / "shop", shop_database, **options))

        yield open_shop


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Yield a receiver of webhooks whose responses a test can set."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def site(make_site: MakeSite) -> PhpSite:
    """Return a shop that sends no webhooks."""
    return make_site(line_in_init=False)


@pytest.fixture
def announcing(make_site: MakeSite, receiver: Receiver) -> PhpSite:
    """Return a shop that sends webhooks to `receiver`."""
    return make_site(webhook_url=receiver.url)


@pytest.fixture
def connected(make_site: MakeSite, live_server: LiveServer, settings) -> PhpSite:
    """Return a shop that is connected to the CRM in both directions."""
    shop = make_site(webhook_url=f"{live_server.url}/webhooks/bitrix/order", webhook_token=settings.WEBHOOK_TOKENS[0])
    settings.BITRIX_API_URL, settings.BITRIX_API_TOKEN = shop.bridge_url, API_TOKEN
    return shop


@pytest.fixture
def create_request() -> dict[str, Any]:
    """Return a request that creates an order, in the format that the bridge expects."""
    return {
        "user_id": 1079,
        "recipient_name": "Әлия",
        "recipient_phone": "+77011234567",
        "delivery_address": "пр. Абая, 10",
        "delivery_date": "2026-08-25",
        "postcard_text": "Құттықтаймын 🌹\nМама",
        "comment": "Позвонить за час",
        "total_amount": 9000.0,
        "delivery_fee": 1500.0,
        "delivery_id": 1,
        "payment_method_id": 1,
        "items": [
            {
                "bitrix_product_id": 696613,
                "quantity": 1,
                "price": 7500.0,
                "product_snapshot": {"name": "Букет Стандарт", "currency": "KZT"},
            }
        ],
        "properties": {
            "city": "2",
            "when": "18",
            "shopId": "17008",
            "phone": "+77017654321",
            "email": "a@mail.example",
        },
    }
