"""The client of the benchmark: one process with a thread for each connection.

The client does little work between two requests. It reads and writes the socket itself, because http.client needs
several times as much processor time. A connection is reused until the server closes it. The time to connect again is
part of the measured time.
"""

import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from bench.webhooks import Webhook, distribute

TIMEOUT = 15.0  # seconds, as in the site's client


class WrongAnswerError(Exception):
    """The server sent an unexpected response, so the measurement is not valid."""


@dataclass(frozen=True, slots=True)
class Target:
    """The URL and the token of the requests."""

    host: str
    port: int
    path: str
    token: str
    action: str | None = None
    """The action that every response must contain. If it is None, the expected action of each webhook is used."""


@dataclass(frozen=True, slots=True)
class Load:
    """The measurements of the client."""

    seconds: float
    latencies: list[float]
    """Seconds for each request, from the start of the connection or the first byte sent to the last byte read."""
    client_cpu: float
    """The processor time of the client itself, in seconds."""
    connections_made: int


def send(target: Target, webhooks: Sequence[Webhook], connections: int) -> Load:
    """Send the webhooks over the given number of parallel connections, from a separate process.

    Raise `WrongAnswerError` if a connection fails or a response is unexpected.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_send, target, webhooks, connections).result()


def _send(target: Target, webhooks: Sequence[Webhook], connections: int) -> Load:
    senders = [_Sender(target, share) for share in distribute(webhooks, connections)]
    began, cpu_began = time.perf_counter(), time.process_time()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    for sender in senders:
        if sender.error is not None:
            raise WrongAnswerError(sender.error)
    latencies = [latency for sender in senders for latency in sender.latencies]
    return Load(seconds, latencies, cpu, sum(sender.connections_made for sender in senders))


class _Sender(threading.Thread):
    def __init__(self, target: Target, webhooks: Sequence[Webhook]) -> None:
        super().__init__(daemon=True)
        self.target = target
        # The requests are prepared here, because only their sending must be measured.
        self.requests = [(_request(target, webhook.body), webhook.expected_action) for webhook in webhooks]
        self.latencies: list[float] = []
        self.error: str | None = None
        self.connections_made = 0
        self._socket: socket.socket | None = None

    def run(self) -> None:
        try:
            for request, action in self.requests:
                began = time.perf_counter()
                status, body = self._exchange(request)
                self.latencies.append(time.perf_counter() - began)
                _check(status, body, self.target.action or action)
        except (OSError, WrongAnswerError) as error:
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self._close()

    def _exchange(self, request: bytes) -> tuple[int, bytes]:
        if self._socket is None:
            self._socket = socket.create_connection((self.target.host, self.target.port), TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections_made += 1
        self._socket.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        while len(body) < int(headers["content-length"]):
            body += self._receive()
        if headers.get("connection") == "close":
            self._close()
        return int(lines[0].split(" ", 2)[1]), body

    def _receive(self) -> bytes:
        assert self._socket is not None
        part = self._socket.recv(65536)
        if not part:
            raise WrongAnswerError("the server closed the connection in the middle of an answer")
        return part

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _request(target: Target, body: bytes) -> bytes:
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\nConnection: keep-alive\r\n"
        f"Authorization: Bearer {target.token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _check(status: int, body: bytes, action: str) -> None:
    if status != 200 or json.loads(body).get("action") != action:
        raise WrongAnswerError(f"expected 200 and {action!r}, got {status}: {body[:500].decode(errors='replace')}")
