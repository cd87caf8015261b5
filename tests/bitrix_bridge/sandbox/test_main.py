"""Tests of the command that runs the sandbox: its start, the settings with which it does not start, and its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest
import requests

COMMAND = [sys.executable, "-m", "bitrix_bridge.sandbox", "--port", "0", "--every", "0.1"]
TOKENS = {"BITRIX_API_TOKEN": "not-a-real-api-token", "WEBHOOK_TOKENS": "not-a-real-token, another-fake-token"}


def environment(**extra):
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "HOME") if key in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **extra}


@pytest.mark.parametrize(
    ("given", "arguments", "words"),
    [
        (TOKENS, [], "DEBUG"),
        ({**TOKENS, "DEBUG": "0"}, [], "DEBUG"),
        ({**TOKENS, "DEBUG": "false"}, [], "DEBUG"),
        ({"DEBUG": "1"}, [], "BITRIX_API_TOKEN"),
        ({"DEBUG": "1", "BITRIX_API_TOKEN": "x"}, ["--webhook-url", "http://127.0.0.1:9/"], "WEBHOOK_TOKENS"),
        ({**TOKENS, "DEBUG": "1"}, ["--data-file", "/proc/none/site.sqlite3"], "cannot start"),
    ],
)
def test_missing_setting_is_reported_in_one_line(given, arguments, words):
    done = subprocess.run(
        COMMAND + arguments, env=environment(**given), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_port_in_use_is_reported(receiver):
    port = str(receiver.server.server_address[1])
    command = [sys.executable, "-m", "bitrix_bridge.sandbox", "--port", port]
    given = environment(DEBUG="1", **TOKENS)
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "in use" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_delivers_webhooks_and_stops_on_signal(tmp_path, receiver, number):
    arguments = ["--webhook-url", receiver.url, "--data-file", str(tmp_path / "site.sqlite3")]
    process = subprocess.Popen(
        COMMAND + arguments, env=environment(DEBUG="True", **TOKENS), stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        first = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert found, first
        deadline = time.monotonic() + 60
        while not receiver.bodies and time.monotonic() < deadline:
            time.sleep(0.02)
        assert receiver.headers[0]["Authorization"] == "Bearer not-a-real-token"
        assert receiver.bodies[0]["data"]["ID"] in requests.get(found[0], timeout=60).text
        started = time.monotonic()
        process.send_signal(number)
        _, rest = process.communicate(timeout=60)
        assert time.monotonic() - started < 20
        assert process.returncode == 0
        assert "not-a-real" not in first + rest
        assert "Traceback" not in rest
    finally:
        process.kill()
        process.wait()
