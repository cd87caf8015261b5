"""Fixtures for all tests: webhooks, staff and the clock."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.cache import cache
from django.core.servers.basehttp import WSGIRequestHandler
from django.http import HttpRequest
from django.template.base import Template
from django.test import Client
from django.test import utils as test_utils
from django.utils import timezone

from bitrix_bridge.inbound.pressure import queue_mark
from bitrix_bridge.site_client.bridge_client import known_endpoints
from cvety_crm import throttling
from cvety_crm.users import User
from tests.lasting_cache import LastingCache

WEBHOOK_PATH = "/webhooks/bitrix/order"
WEBHOOK_TOKEN = "made-up-webhook-token"
PostWebhook = Callable[..., Any]
_test_utils: Any = test_utils  # its names for rendering are private


@pytest.fixture(scope="session", autouse=True)
def _render_templates_without_recording(django_test_environment: None) -> None:
    """Render templates as in production. Django's test environment copies the context of each included template.

    That takes a fifth of the processor time of the tests. `template_contexts` turns the recording on again.
    """
    setattr(Template, "_render", _test_utils._TestState.saved_data.template_render)  # noqa: B010 - a private name


@pytest.fixture
def template_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record the contexts of rendered templates, so that responses have `context`."""
    monkeypatch.setattr(Template, "_render", _test_utils.instrumented_test_render)


@pytest.fixture(scope="session", autouse=True)
def _disable_nagle_algorithm() -> None:
    """Make the live server send responses without delay, like gunicorn.

    Django's development server sends the headers and the body separately. On a persistent connection the body would
    wait up to 40 ms for the client's delayed acknowledgement of the headers.
    """
    WSGIRequestHandler.disable_nagle_algorithm = True


@pytest.fixture(scope="session", autouse=True)
def _own_rate_limits(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Count requests in a file of this process, because tests run in several processes."""
    django_settings.THROTTLE_CACHE_DIR = str(tmp_path_factory.mktemp("throttle"))


@pytest.fixture(scope="session", autouse=True)
def _let_browsers_cache_static_files() -> Iterator[None]:
    """Let the live server's static files be cached, as in production.

    Otherwise a browser asks for each of some thirty files again on each page, and Python answers.
    """
    with pytest.MonkeyPatch.context() as patch:
        serve = StaticFilesHandler.serve

        def serve_with_age(self: StaticFilesHandler, request: HttpRequest) -> Any:
            response = serve(self, request)
            response["Cache-Control"] = "max-age=3600, immutable"
            return response

        patch.setattr(StaticFilesHandler, "serve", serve_with_age)
        yield


@pytest.fixture(autouse=True)
def _clear_caches(request: pytest.FixtureRequest) -> None:
    cache.clear()
    throttling.counters().clear()
    queue_mark().clear()
    # Tests with a live server wait for pages, so cached values expire in these tests as in production.
    LastingCache.lasts = "live_server" not in request.fixturenames


@pytest.fixture(autouse=True)
def _clear_known_endpoints() -> None:
    """Clear the known versions of bridges, which are stored by URL.

    The sandbox of an earlier test may have used the same port.
    """
    known_endpoints.clear()


@pytest.fixture
def post_webhook(client: Client) -> PostWebhook:
    """Return a function that posts an event, by default with the site's token, and returns the response."""

    def post(
        event: Any,
        data: Any = ...,
        *,
        path: str = WEBHOOK_PATH,
        token: str | None = WEBHOOK_TOKEN,
        **extra: Any,
    ) -> Any:
        body = event if data is ... else {"event": event, "data": data, **extra}
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return client.post(path, data=content, content_type="application/json", headers=headers)

    return post


@pytest.fixture
def manager(db: None) -> User:
    """Return a superuser whose first name is Данияр."""
    return User.objects.create_superuser("manager", password="made-up-password", first_name="Данияр")


class Clock:
    """A clock for the tests. It advances by one microsecond at each reading."""

    def __init__(self) -> None:
        self._now = timezone.now()

    def now(self) -> Any:
        self._now += timedelta(microseconds=1)
        return self._now

    def let_pass(self, seconds: float) -> None:
        """Advance the clock by this number of seconds. A negative number sets the clock back."""
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def hold_clock(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Set the hold period to ten seconds, and return the clock that the test advances."""
    settings.STATUS_HOLD_SECONDS = 10.0
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock.now)
    return clock
