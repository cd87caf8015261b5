"""Tests of the health check that knocks at the public address of the CRM."""

from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from django.utils import timezone

from bitrix_bridge import public_url
from cvety_crm.measurements import measured
from cvety_crm.models import Heartbeat
from cvety_crm.ops.health import Level

pytestmark = pytest.mark.django_db


class Proxy(BaseHTTPRequestHandler):
    """A proxy that answers every request by itself."""

    answer: tuple[int, dict[str, str], str] = (502, {}, "Bad Gateway")
    requests: list[Any]

    def do_POST(self) -> None:
        self.requests.append(self.headers)
        status, headers, text = self.answer
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(text))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def proxy(settings: Any) -> Iterator[type[Proxy]]:
    handler = type("OneProxy", (Proxy,), {"requests": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        settings.PUBLIC_URL, settings.HAS_PUBLIC_URL = f"http://127.0.0.1:{server.server_address[1]}", True
        yield handler
        server.shutdown()


@pytest.mark.django_db(transaction=True)
def test_crm_behind_its_public_address_answers(live_server, settings):
    settings.PUBLIC_URL, settings.HAS_PUBLIC_URL = live_server.url, True
    found = public_url.public_endpoint.run()
    assert (found.level, found.figure.startswith("отвечает за")) == (Level.GREEN, True)


@pytest.mark.parametrize(
    ("answer", "figure", "hint"),
    [
        pytest.param((502, {}, "Bad Gateway"), "HTTP 502", "прокси", id="502"),
        pytest.param((200, {}, "<html>Welcome to nginx</html>"), "HTTP 200", "прокси", id="another site"),
        pytest.param((401, {}, "<html>Restricted</html>"), "HTTP 401", "прокси", id="a password of the proxy"),
        pytest.param((301, {"Location": "https://x.kz/"}, ""), "HTTP 301", "перенаправлять", id="redirect"),
    ],
)
def test_answer_of_a_proxy_is_a_problem(proxy, answer, figure, hint):
    proxy.answer = answer
    found = public_url.public_endpoint.run()
    assert (found.level, figure in found.figure, hint in found.hint) == (Level.RED, True, True)


def test_no_token_is_sent(proxy, settings):
    public_url.public_endpoint.run()
    (headers,) = proxy.requests
    assert not any(token in str(headers) for token in settings.WEBHOOK_TOKENS)


def test_address_without_an_answer_is_a_problem(settings):
    settings.PUBLIC_URL, settings.HAS_PUBLIC_URL = "http://127.0.0.1:9", True
    assert public_url.public_endpoint.run().level == Level.RED


def test_address_that_is_not_set_is_not_asked(settings):
    settings.PUBLIC_URL, settings.HAS_PUBLIC_URL = "http://127.0.0.1:9", False
    assert public_url.public_endpoint.run().level == Level.GREEN


def test_answer_of_the_worker_counts_and_the_page_does_not_ask(proxy):
    proxy.answer = (401, {}, '{"error": "invalid_token"}')
    public_url.knock_each_minute()
    proxy.answer = (502, {}, "Bad Gateway")
    found = public_url.public_endpoint.run()
    assert (found.level, found.figure, len(proxy.requests)) == (Level.GREEN, "ответил обработчику 0 с назад", 1)


def test_page_asks_when_the_worker_has_no_new_answer(proxy):
    Heartbeat.beat(public_url.ANSWERED)
    public_url.knock_each_minute()
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=3))
    assert public_url.public_endpoint.run().level == Level.RED
    assert len(proxy.requests) == 2


def test_worker_does_not_ask_an_address_that_is_not_set(proxy, settings):
    settings.HAS_PUBLIC_URL = False
    public_url.knock_each_minute()
    assert proxy.requests == []


def test_knock_is_neither_logged_nor_counted(post_webhook, caplog, settings, tmp_path):
    settings.THROTTLE_CACHE_DIR = str(tmp_path)
    assert post_webhook({"event": "ping"}, token=None).status_code == 401
    assert (caplog.text, measured()) == ("", {})
    assert post_webhook("order.create", {"ID": 1}, token=None).status_code == 401
    assert ("Unauthorized" in caplog.text, list(measured())) == (True, ["webhook invalid_token"])
