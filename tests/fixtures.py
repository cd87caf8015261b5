"""Fixtures for all tests: the webhook's front door, staff."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.core.cache import caches
from django.core.servers.basehttp import WSGIRequestHandler
from django.db.models.signals import post_migrate
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from bitrix_bridge.site_client.bridge_client import known_endpoints
from cvety_crm.roles import make_roles
from cvety_crm.users import User
from tests.lasting_cache import LastingCache

WEBHOOK_PATH = "/webhooks/bitrix/order"
WEBHOOK_TOKEN = "made-up-webhook-token"
PostWebhook = Callable[..., HttpResponse]


@pytest.fixture(scope="session", autouse=True)
def _reference_data_survives_a_flush() -> Iterator[None]:
    """A test with real transactions empties every table afterwards, those that migrations have filled included."""
    seed = import_module("orders.migrations.0001_initial").seed
    last = list(apps.get_app_configs())[-1].label  # then every permission is there again

    def refill(sender: AppConfig, **_kwargs: Any) -> None:
        if sender.label == "orders" and not apps.get_model("orders", "Status").objects.exists():
            seed(apps, None)
        if sender.label == last and not apps.get_model("auth", "Group").objects.exists():
            make_roles(apps)

    post_migrate.connect(refill, weak=False, dispatch_uid="tests.refill")
    yield
    post_migrate.disconnect(dispatch_uid="tests.refill")


@pytest.fixture(scope="session", autouse=True)
def _live_server_answers_at_once() -> None:
    """Django's development server sends head and body one after the other, and the second would wait up to 40 ms for
    the client's delayed acknowledgement of the first: on each request of a kept connection. Gunicorn does not wait.
    """
    WSGIRequestHandler.disable_nagle_algorithm = True


@pytest.fixture(autouse=True)
def _fresh_caches(request: pytest.FixtureRequest) -> None:
    for name in ("default", "throttle"):
        caches[name].clear()
    # Where people wait in front of a page, what was cached goes out of date as in the product.
    LastingCache.lasts = "live_server" not in request.fixturenames


@pytest.fixture(autouse=True)
def _fresh_endpoints() -> None:
    """Forget what is known of addresses: a port may have been another stand-in's a moment ago."""
    known_endpoints.clear()


@pytest.fixture
def post_webhook(client: Client) -> PostWebhook:
    """Post an event as the site does; returns the response."""

    def post(
        event: Any,
        data: Any = ...,
        *,
        path: str = WEBHOOK_PATH,
        token: str | None = WEBHOOK_TOKEN,
        **extra: Any,
    ) -> HttpResponse:
        body = event if data is ... else {"event": event, "data": data, **extra}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return client.post(path, data=content, content_type="application/json", headers=headers)

    return post


@pytest.fixture
def manager(db: None) -> User:
    """A member of staff who may do everything."""
    return User.objects.create_superuser("manager", password="made-up-password", first_name="Данияр")


class Clock:
    """What the CRM takes for the time: it stands still, but for a microsecond each time it is read."""

    def __init__(self) -> None:
        self._now = timezone.now()

    def now(self) -> Any:
        self._now += timedelta(microseconds=1)
        return self._now

    def let_pass(self, seconds: float) -> None:
        """Go on to a later time, or back."""
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def grace(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Statuses can be taken back for ten seconds, by a clock that the test moves on."""
    settings.STATUS_HOLD_SECONDS = 10.0
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock.now)
    return clock
