"""Tests of error reports, over real HTTP to a server that receives them as Sentry does."""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import brotli
import pytest
from django.conf import settings

from tests.cvety_crm.failing_site import PHONE, SECRET

KEY = "0123456789abcdef0123456789abcdef"


class Ingest(BaseHTTPRequestHandler):
    """The server of Sentry: it stores each envelope."""

    envelopes: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.envelopes.append(brotli.decompress(body).decode())
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def envelopes() -> list[str]:
    """Return what a process with two errors has sent."""
    found: list[str] = []
    handler = type("OneIngest", (Ingest,), {"envelopes": found})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        dsn = f"http://{KEY}@127.0.0.1:{server.server_address[1]}/1"
        command = [sys.executable, "-m", "tests.cvety_crm.failing_site", dsn]
        done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        server.shutdown()
    return found


@pytest.fixture
def events(envelopes):
    """Return the reports of errors."""
    lines = [json.loads(line) for envelope in envelopes for line in envelope.splitlines()]
    return [line for line in lines if "exception" in line or "logentry" in line]


def test_exception_and_logged_error_are_reported(events):
    messages = [
        event["exception"]["values"][0]["value"] if "exception" in event else event["logentry"]["formatted"]
        for event in events
    ]
    assert messages == ["no order of ••• with the token •••", "a failure about •••"]


def test_report_names_the_request_and_its_id(events):
    event = events[0]
    assert event["request"] == {"method": "POST", "url": "http://testserver/fail/"}
    assert (event["tags"]["correlation_id"], event["environment"]) == ("proxy-id-of-the-test", "tests")
    assert any(frame["function"] == "failing_view" for frame in event["exception"]["values"][0]["stacktrace"]["frames"])


@pytest.mark.parametrize("private", [PHONE, PHONE[1:], PHONE[-7:], SECRET, "Мария", "private", '"vars"'])
def test_no_report_contains_data_about_people_or_secrets(envelopes, private):
    assert envelopes
    assert not [envelope for envelope in envelopes if private in envelope]
    assert not [envelope for envelope in envelopes if json.dumps(private)[1:-1] in envelope]
