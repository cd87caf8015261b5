"""A small server for one bucket, with the requests of S3 that backups need, over real HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

ACCESS_KEY = "made-up-access-key"


class Bucket:
    """The stored files, the requests, and what the next requests are answered with."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.refuses = False
        self.url = ""


class Handler(BaseHTTPRequestHandler):
    """Answer the requests for the bucket of the server."""

    protocol_version = "HTTP/1.1"

    @property
    def bucket(self) -> Bucket:
        server: Any = self.server
        return server.bucket

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/shop-backups").removeprefix("/")

    def _answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", headers.pop("length", str(len(content))))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _is_allowed(self) -> bool:
        self.bucket.requests.append(f"{self.command} {self.path}")
        if self.bucket.refuses or f"Credential={ACCESS_KEY}/" not in self.headers.get("Authorization", ""):
            self._answer(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
            return False
        return True

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_allowed():
            self.bucket.files[self._key()] = body
            self._answer(200, ETag='"made-up"')

    def do_HEAD(self) -> None:
        if self._is_allowed():
            found = self.bucket.files.get(self._key())
            self._answer(404 if found is None else 200, length=str(len(found or b"")), ETag='"made-up"')

    def do_GET(self) -> None:
        if not self._is_allowed():
            return
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            prefix = query.get("prefix", [""])[0]
            keys = sorted(key for key in self.bucket.files if key.startswith(prefix))
            rows = "".join(f"<Contents><Key>{escape(key)}</Key><Size>1</Size></Contents>" for key in keys)
            self._answer(200, f"<ListBucketResult>{rows}</ListBucketResult>".encode())
            return
        self._answer(200, self.bucket.files[self._key()], ETag='"made-up"')

    def do_DELETE(self) -> None:
        if self._is_allowed():
            self.bucket.files.pop(self._key(), None)
            self._answer(204)

    def log_message(self, *args: Any) -> None:
        """Print nothing."""


@contextmanager
def running() -> Iterator[Bucket]:
    """Start the server, and yield its bucket."""
    bucket = Bucket()
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.bucket = bucket
    bucket.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
