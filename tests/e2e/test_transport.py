"""Tests over raw sockets of the CRM as it runs in production: bodies sent in chunks, to webhooks and to the admin."""

import json
import re
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import requests

from tests.e2e.running_crm import environment_of
from tests.fixtures import WEBHOOK_PATH, WEBHOOK_TOKEN

BODY = json.dumps({"event": "order.create", "data": {"ID": 1, "PRICE": "9000"}}).encode()


def chunked(content, *, size=7, last=b"0\r\n\r\n"):
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    return b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in parts) + last


class Connection:
    """A connection on which a test sends bytes as they are."""

    def __init__(self, crm) -> None:
        address = urlsplit(crm.address)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=20)

    def start(self, *headers, token=WEBHOOK_TOKEN, path=WEBHOOK_PATH):
        """Send the first line and the headers."""
        bearer = [f"Authorization: Bearer {token}"] if token else []
        lines = [f"POST {path} HTTP/1.1", "Host: localhost", *bearer, *headers]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def answer(self):
        """Return the status and the rest of the response, which ends when the server closes the connection."""
        received = b""
        while part := self.socket.recv(65536):
            received += part
        self.socket.close()
        return int(received.split()[1]), received.partition(b"\r\n\r\n")[2].decode()


def post(crm, *headers, content, token=WEBHOOK_TOKEN, path=WEBHOOK_PATH):
    connection = Connection(crm)
    connection.start("Connection: close", *headers, token=token, path=path)
    connection.socket.sendall(content)
    return connection.answer()


def test_bodies_are_received_however_they_are_transmitted(crm):
    streamed = "Transfer-Encoding: chunked"
    actions = [
        post(crm, streamed, content=chunked(BODY)),
        post(crm, streamed, content=chunked(BODY[:-1] + b', "token": "%s"}' % WEBHOOK_TOKEN.encode()), token=None),
        post(crm, streamed, "Trailer: X", content=chunked(BODY, last=b"0\r\nX: 1\r\n\r\n")),
        post(crm, streamed, content=chunked(BODY + b" " * 900_000, size=50_000)),
        post(crm, streamed, "Content-Type: what/ever; charset*=klingon''x", content=chunked(BODY)),
    ]
    assert [(status, json.loads(body)["action"]) for status, body in actions] == [
        (200, "created"),
        *[(200, "unchanged")] * 4,
    ]

    waiting = Connection(crm)
    waiting.start("Connection: close", "Expect: 100-continue", f"Content-Length: {len(BODY)}")
    assert waiting.socket.recv(100).startswith(b"HTTP/1.1 100 ")
    waiting.socket.sendall(BODY)
    assert waiting.answer()[0] == 200

    assert post(crm, content=b"")[0] == 411
    assert post(crm, streamed, content=chunked(b" " * 1_100_000, size=100_000))[0] == 413
    assert post(crm, streamed, content=b"zz\r\n")[0] == 400

    broken = Connection(crm)
    broken.start("Connection: close", "Content-Length: 1000")
    broken.socket.sendall(BODY)
    broken.socket.shutdown(socket.SHUT_WR)
    status, body = broken.answer()
    assert (status, json.loads(body)["error"]) == (408, "incomplete")
    refused = crm.query("SELECT left(error, 4) FROM bitrix_webhook_events WHERE action = 'refused' ORDER BY created_at")
    assert refused == [("413:",), ("408:",)]


def test_form_of_the_admin_is_received_in_chunks(crm):
    environment = environment_of(crm.database_url, DJANGO_SUPERUSER_PASSWORD="made-up-password")
    create = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username", "owner", "--email", "a@b.kz"]
    subprocess.run(create, env=environment, check=True, capture_output=True)
    address = crm.address.replace(WEBHOOK_PATH, "/crm/login/")
    page = requests.get(address, timeout=20)
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
    content = f"csrfmiddlewaretoken={token}&username=owner&password=made-up-password&next=/crm/".encode()
    # The cookie is sent by hand, because it is Secure and this connection is not encrypted.
    cookie = f"Cookie: csrftoken={page.cookies['csrftoken']}"
    kind = "Content-Type: application/x-www-form-urlencoded"
    for headers, body in (
        ((f"Content-Length: {len(content)}",), content),
        (("Transfer-Encoding: chunked",), chunked(content)),
    ):
        assert post(crm, cookie, kind, *headers, content=body, token=None, path="/crm/login/")[0] == 302
