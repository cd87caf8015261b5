"""Tests of `cvety_crm.http` against a real local server."""

import gzip
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cvety_crm.http import MAX_ANSWER_BYTES, Answer, NoAnswerError, TooLargeError, get_file, post_json


class Handler(BaseHTTPRequestHandler):
    hits: list[tuple[str, bytes]] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Handler.hits.append((self.path, body))
        getattr(self, self.path.strip("/"))()

    def do_GET(self):
        Handler.hits.append((self.path, str(self.headers).encode()))
        getattr(self, self.path.strip("/"))()

    def answer(self, status, content, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def fine(self):
        self.answer(200, '{"a": "ы"}'.encode(), Content_Type="application/json")

    def unknown_charset(self):
        self.answer(200, '{"a": "ы"}'.encode(), Content_Type="application/json; charset=no-such-charset")

    def no_charset(self):
        self.answer(200, '{"a": "ы"}'.encode(), Content_Type="text/html")

    def old_charset(self):
        self.answer(500, "Ошибка".encode("cp1251"), Content_Type="text/html; charset=windows-1251")

    def codec_not_for_text(self):
        self.answer(500, b"\xff\xfe<", Content_Type="text/html; charset=base64")

    def redirect(self):
        self.answer(302, b"", Location="/fine")

    def error(self):
        self.answer(503, b"<html>", Retry_After="120")

    def drip(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(b"x" * 70_000)
                time.sleep(0.1)
        except OSError:
            pass

    def drip_bytes(self):
        self.send_response(200)
        self.send_header("Content-Length", "40")
        self.end_headers()
        try:
            for _ in range(40):
                self.wfile.write(b"x")
                time.sleep(0.2)
        except OSError:
            pass

    def drip_headers(self):
        try:
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
                self.wfile.write(bytes([byte]))
                time.sleep(0.2)
        except OSError:
            pass

    def chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        content = gzip.compress('{"a": "ы"}'.encode() * 1000)
        for start in range(0, len(content), 20):
            part = content[start : start + 20]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def huge(self):
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(MAX_ANSWER_BYTES // 500_000 + 2):
                self.wfile.write(b"x" * 500_000)
        except OSError:
            pass

    def hang(self):
        time.sleep(10)

    def cut(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_post_json_sends_json_and_returns_the_complete_response(url):
    answer = post_json(f"{url}/fine", {"name": "Мария"}, timeout=30)
    assert (answer.status, answer.text) == (200, '{"a": "ы"}')
    assert Handler.hits[-1][1].decode("unicode_escape").count("name") == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("unknown_charset", '{"a": "ы"}'),
        ("no_charset", '{"a": "ы"}'),
        ("old_charset", "Ошибка"),
        ("codec_not_for_text", "\ufffd\ufffd<"),
    ],
)
def test_response_is_decoded_even_if_its_charset_is_wrong(url, path, text):
    assert post_json(f"{url}/{path}", {}, timeout=30).text == text


def test_chunked_and_compressed_response_is_decoded(url):
    assert post_json(f"{url}/chunked", {}, timeout=30).text == '{"a": "ы"}' * 1000


@pytest.mark.parametrize("path", ["drip_bytes", "drip_headers"])
def test_timeout_limits_the_whole_request_when_bytes_arrive_slowly(url, path):
    started = time.monotonic()
    with pytest.raises(NoAnswerError, match="within"):
        post_json(f"{url}/{path}", {}, timeout=0.5)
    assert time.monotonic() - started < 6


def test_redirect_is_returned_and_not_followed(url):
    before = len(Handler.hits)
    assert post_json(f"{url}/redirect", {}, timeout=30).status == 302
    assert len(Handler.hits) == before + 1


def test_error_status_is_returned_as_a_response(url):
    answer = post_json(f"{url}/error", {}, timeout=30)
    assert (answer.status, answer.retry_after) == (503, 120.0)


@pytest.mark.parametrize(
    ("path", "message"),
    [("drip", "within"), ("hang", "within"), ("huge", "too large"), ("cut", "connection failed")],
)
def test_incomplete_response_raises_no_answer_error(url, path, message):
    started = time.monotonic()
    with pytest.raises(NoAnswerError, match=message):
        post_json(f"{url}/{path}", {}, timeout=0.5 if path != "huge" else 10)
    assert time.monotonic() - started < 8


def test_refused_connection_raises_no_answer_error():
    with pytest.raises(NoAnswerError, match="connection failed"):
        post_json("http://127.0.0.1:9/rest/1/madeupsecret/x", {}, timeout=2)


def test_error_about_an_invalid_url_contains_no_secret(settings):
    settings.BITRIX_API_TOKEN = "made-up-bitrix-token"
    with pytest.raises(NoAnswerError) as error:
        post_json("no-such-scheme://made-up-bitrix-token/", {}, timeout=1)
    assert "made-up-bitrix-token" not in str(error.value)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        (" 5 ", 5.0),
        ("", None),
        ("soon", None),
        ("\u00b2", None),
        ("9" * 400, 1e9),
        ("-3", None),
        ("Mon, 24 Aug 2020 07:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_in_seconds(header, seconds):
    assert Answer(503, {"Retry-After": header}, "").retry_after == seconds


def test_retry_after_is_read_from_a_date():
    header = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    assert 590 < (Answer(503, {"Retry-After": header}, "").retry_after or 0) <= 600


def test_get_file_returns_bytes_error_responses_and_redirects(url):
    found = get_file(f"{url}/old_charset", timeout=30, max_bytes=1000)
    assert (found.status, found.content) == (500, "Ошибка".encode("cp1251"))
    assert "Cookie" not in Handler.hits[-1][1].decode()
    moved = get_file(f"{url}/redirect", timeout=30, max_bytes=1000)
    assert (moved.status, moved.headers["Location"]) == (302, "/fine")


def test_get_file_has_a_size_limit(url):
    with pytest.raises(TooLargeError):
        get_file(f"{url}/huge", timeout=30, max_bytes=1000)


@pytest.mark.parametrize("path", ["drip_bytes", "drip_headers", "hang", "cut"])
def test_get_file_raises_no_answer_for_a_slow_or_broken_response(url, path):
    with pytest.raises(NoAnswerError):
        get_file(f"{url}/{path}", timeout=0.5, max_bytes=1000)
