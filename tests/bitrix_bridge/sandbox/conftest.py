"""Fixtures of the tests of the sandbox. They use real HTTP, and neither Django nor a database."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from bitrix_bridge.sandbox import Sandbox

SUCCESS = (200, '{"status": "success", "action": "updated"}', {})


class Receiver:
    """The CRM's webhook endpoint, which records requests.

    It responds with the responses of `script` first, and with success after that.
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.script: list[tuple[int, str, dict[str, str]]] = []
        self.delay = 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.bodies.append(body)
                receiver.headers.append(dict(self.headers))
                time.sleep(receiver.delay)
                code, text, headers = receiver.script.pop(0) if receiver.script else SUCCESS
                content = text.encode()
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/bitrix/order"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def seen(self) -> list[tuple[str, str, str]]:
        """Return (event, order id, version) of each webhook, sorted by arrival."""
        return [(body["event"], body["data"]["ID"], body["data"].get("VERSION", "")) for body in self.bodies]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(api_token="not-a-real-token") as running:
        yield running


@pytest.fixture
def call_bridge(sandbox: Sandbox) -> Callable[..., requests.Response]:
    """Return a function that sends a request to the bridge of `sandbox`.

    Its keyword arguments are the keys of the request.
    """

    def send(action: str | None = None, **request: Any) -> requests.Response:
        body = request if action is None else {"action": action, **request}
        headers = {"X-API-TOKEN": "not-a-real-token"}
        return requests.post(sandbox.bridge_url, json=body, headers=headers, timeout=30, allow_redirects=False)

    return send


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


@pytest.fixture
def order(sandbox: Sandbox, create_request: dict[str, Any]) -> dict[str, Any]:
    """Return an order on the site: one bouquet for 7500 KZT and delivery for 1500 KZT, paid in cash."""
    return sandbox.site.create_order(create_request).order


@pytest.fixture
def update(
    sandbox: Sandbox, call_bridge: Callable[..., requests.Response], order: dict[str, Any]
) -> Callable[..., Any]:
    """Return a function that updates `order` through the bridge, and returns the response and the stored order."""

    def send(**request: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        answer = call_bridge("order.update", order_id=order["ID"], **request).json()
        return answer, sandbox.site.order(int(order["ID"]))

    return send
