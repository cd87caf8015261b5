"""A site that serves pictures over HTTP, and a cache of pictures for each test."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orders.models import Product
from tests.orders.admin.conftest import browser, browser_of, make_order  # noqa: F401
from tests.orders.photos.pictures import picture

Answer = tuple[int, bytes, dict[str, str]]


class PictureSite(ThreadingHTTPServer):
    """A site whose answers the tests set by path. It records the requested paths. Other paths have no picture."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer | Callable[[], Answer]] = {}
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def has(self, path: str, content: bytes | None = None, status: int = 200, **headers: str) -> None:
        """Answer this path with a picture, or with this content."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (status, picture((300, 200)) if content is None else content, named)


class _Handler(BaseHTTPRequestHandler):
    server: PictureSite

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.server.headers.append(dict(self.headers))
        answer = self.server.answers.get(self.path, (404, b"", {}))
        status, content, headers = answer() if callable(answer) else answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):  # the client has not waited
            self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def picture_cache(settings: Any, tmp_path: Path) -> Path:
    """Use an empty cache of pictures, and return its folder."""
    settings.PICTURE_CACHE_DIR = str(tmp_path / "pictures")
    return tmp_path / "pictures"


@pytest.fixture
def picture_site(settings: Any, picture_cache: Path) -> Iterator[PictureSite]:
    """Start a site with pictures, which the settings name as the shop's site."""
    site = PictureSite()
    settings.SITE_URL = site.url
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield site
    site.shutdown()
    thread.join()
    site.server_close()


@pytest.fixture
def product(db: None) -> Product:
    """Return a product with the picture `/upload/rose.jpg`."""
    return Product.objects.create(name="Букет Стандарт", bitrix_product_id=696613, image_url="/upload/rose.jpg")
