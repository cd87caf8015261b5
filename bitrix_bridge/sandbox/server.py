"""The sandbox's HTTP server: the PHP bridge, REST, and a page for people. It listens on 127.0.0.1 only."""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import select
import socket
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from .bridge import VERSIONS, Bridge, error_answer
from .errors import SiteError, bad_request
from .faults import Fault, Faults
from .pages import orders_page
from .pictures import UPLOAD_PATH, picture_at
from .rest import Rest, parameters
from .site import Site

logger = logging.getLogger(__name__)

BRIDGE_PATH = "/local/crm-bridge.php"
LARGEST_BODY = 1024 * 1024
BRIDGE_BROKEN = error_answer(SiteError(500, "internal", "Internal error", "internal"))
REST_BROKEN = {"error": "INTERNAL_SERVER_ERROR", "error_description": "Internal server error"}


class SandboxServer(ThreadingHTTPServer):
    """The HTTP server of a site. REST is off if `rest_secret` is None. `faults` do not affect the page."""

    daemon_threads = True
    # With the default backlog of 5, when many clients connect at once, some wait a second until the kernel retries.
    request_queue_size = 128

    def __init__(
        self,
        site: Site,
        *,
        api_token: str,
        rest_secret: str | None = None,
        port: int = 0,
        faults: Faults | None = None,
        queue_length: Callable[[], int | None] = lambda: None,
        pending_deletion: Callable[[str], int] = lambda _xml_id: 0,
        legacy_bridge: bool = False,
        bridge_version: str = VERSIONS["bridge"],
    ) -> None:
        """Bind `port` of 127.0.0.1, or any free port if `port` is 0.

        Raise `OSError` if the port is in use.
        """
        self.site = site
        self.bridge = Bridge(site, queue_length, pending_deletion, legacy=legacy_bridge, version=bridge_version)
        self.legacy_bridge = legacy_bridge
        self.rest = Rest(site)
        self.faults = faults if faults is not None else Faults()
        self.api_token = api_token
        self.rest_secret = rest_secret
        self.queue_length = queue_length
        self.closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox-http", daemon=True
        )

    @property
    def url(self) -> str:
        """The address of the server, without a trailing slash."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        """Start to answer requests in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, and close every open connection, including kept-alive connections."""
        self.closing.set()
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self.server_close()
        with self._open_lock:
            for connection in self._open:
                _close(connection)

    def server_bind(self) -> None:
        """Bind without HTTPServer's lookup of the host name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Record the connection so that `stop` can close it."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Remove the connection from the record."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors of a connection: a client that disconnects is normal."""


class Handler(BaseHTTPRequestHandler):
    """The handler of one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: SandboxServer

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: http.server would print the path, and a REST path contains the secret."""

    def do_GET(self) -> None:
        """Answer with the page, an order as JSON, a picture, or with REST if the path is that of a REST method."""
        path = urlsplit(self.path).path
        if path == "/":
            self._send(200, orders_page(self.server.site.latest(30), self.server.queue_length()), "text/html")
        elif path.startswith("/orders/"):
            number = path.removeprefix("/orders/")
            try:
                found = self.server.site.order(int(number) if number.isascii() and number.isdigit() else 0)
            except SiteError as error:
                self._send_json(404, error_answer(error))
            else:
                self._send_json(200, found)
        elif path.startswith(UPLOAD_PATH) and (content := picture_at(path)) is not None:
            self._send(200, content, "image/jpeg")
        else:
            self.do_POST()

    def do_POST(self) -> None:
        """Answer a request to the bridge or to REST."""
        parts = urlsplit(self.path)
        pieces = parts.path.strip("/").split("/")
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY or "Transfer-Encoding" in self.headers:
            # The body was not read, so the connection can't be used again.
            self.close_connection = True
            self._send_json(400, error_answer(bad_request("bad_length", "Content-Length up to 1 MB is needed")))
            return
        body = self.rfile.read(int(length))
        if parts.path == BRIDGE_PATH:
            self._bridge(body)
        elif pieces[0] == "rest" and len(pieces) == 4 and self.server.rest_secret is not None:
            self._rest(
                pieces[2],
                pieces[3].removesuffix(".json"),
                parameters(parts.query, body, self.headers.get("Content-Type", "")),
            )
        else:
            self._send(404, "<html><body><h1>404 Not Found</h1></body></html>", "text/html")

    def _bridge(self, body: bytes) -> None:
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            request = None
        given = request if isinstance(request, dict) else {}
        action = str(given.get("action", "order.create"))
        if self.command != "POST":
            refusal = bad_request("bad_method", "POST is needed")
        elif not _are_equal(self.headers.get("X-API-TOKEN", ""), self.server.api_token):
            refusal = SiteError(401, "unauthorized", "Wrong or missing X-API-TOKEN", "auth")
        elif request is None:
            refusal = bad_request("bad_json", "The body is not JSON")
        else:
            self._do(action, given, lambda: self.server.bridge.answer(request), BRIDGE_BROKEN)
            return
        answer = error_answer(refusal)
        if self.server.legacy_bridge:
            answer["error"] = refusal.message
        self._note(action, given, refusal.http_status)
        self._send_json(refusal.http_status, answer)

    def _rest(self, secret: str, method: str, params: dict[str, Any]) -> None:
        if not _are_equal(secret, self.server.rest_secret or ""):
            self._note(method, params, 401)
            error = {"error": "INVALID_CREDENTIALS", "error_description": "Invalid request credentials"}
            self._send_json(401, error)
            return

        def answer() -> tuple[int, dict[str, Any]]:
            code, result = self.server.rest.answer(method, params)
            return code, result if "error" in result else {**result, "time": {"duration": 0.01, "processing": 0.01}}

        self._do(method, params, answer, REST_BROKEN)

    def _do(
        self, action: str, given: dict[str, Any], work: Callable[[], tuple[int, dict[str, Any]]], broken: dict[str, Any]
    ) -> None:
        """Do the work and answer, unless a fault is injected. `broken` is the answer if the sandbox itself fails."""
        fault = self.server.faults.take(action)
        kind = fault.kind if fault else ""
        if fault and kind == "answer":
            self._note(action, given, fault.code)
            self._send_fault(fault)
            return
        if kind == "silent":
            self._note(action, given, None)
            self._wait_for_hangup()
            return
        if fault and kind == "slow":
            self.server.closing.wait(fault.seconds)
        try:
            code, answer = work()
        except Exception:
            logger.exception("%s failed", action)
            code, answer = 500, broken
        self._note(action, given, None if kind == "answer_lost" else code)
        if kind == "answer_lost":
            self.close_connection = True
            _close(self.connection)
            return
        self._send_json(code, answer)

    def _note(self, action: str, given: dict[str, Any], status: int | None) -> None:
        """Record the request without its token. `status` is None if the request was not answered."""
        body = {key: value for key, value in given.items() if key not in ("token", "auth")}
        self.server.site.record_request({"action": action, "body": body, "status": status})
        order_id = given.get("order_id") or given.get("id") or given.get("xml_id") or "-"
        # The values are logged with repr: a line break from a client must not start a new line in the log.
        logger.info("asked %.40r %.60r: %s", action, order_id, status or "no answer")

    def _wait_for_hangup(self) -> None:
        self.close_connection = True
        while not self.server.closing.wait(0.02):
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return

    def _send_fault(self, fault: Fault) -> None:
        headers = {}
        if fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
        if fault.location:
            headers["Location"] = fault.location
        self._send(fault.code, fault.body, fault.content_type, headers)

    def _send_json(self, code: int, answer: dict[str, Any]) -> None:
        self._send(code, json.dumps(answer, ensure_ascii=False, default=str), "application/json")

    def _send(self, code: int, body: str | bytes, content_type: str, headers: dict[str, str] | None = None) -> None:
        # A lone surrogate in a customer's text must not break the answer.
        content = body if isinstance(body, bytes) else body.encode("utf-8", "replace")
        self.send_response(code)
        is_binary = isinstance(body, bytes) or "charset" in content_type
        self.send_header("Content-Type", content_type if is_binary else f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def _are_equal(given: str, wanted: str) -> bool:
    """Return whether both strings are equal and not empty. They are compared in constant time."""
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def _close(connection: socket.socket) -> None:
    # The client may have closed the connection first.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
