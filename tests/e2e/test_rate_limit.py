"""A test of the rate limit with several processes of gunicorn, one of which is killed."""

import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests

from tests.e2e.running_crm import environment_of
from tests.fixtures import WEBHOOK_PATH


@pytest.fixture
def gunicorn(tmp_path):
    """Yield the URL of a CRM with three processes that allows 30 requests an hour, and its main process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = environment_of(
        "postgres://none@127.0.0.1:9/none",  # a request without a valid token needs no database
        HOST="127.0.0.1",
        PORT=str(port),
        WEB_CONCURRENCY="3",
        WEBHOOK_RATE="30/hour",
        THROTTLE_CACHE_DIR=str(tmp_path / "throttle"),
    )
    command = [sys.executable, "-m", "gunicorn", "-c", "python:cvety_crm.ops.gunicorn_conf"]
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 30
    while True:
        try:
            requests.get(f"http://127.0.0.1:{port}/", timeout=5)
            break
        except requests.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}{WEBHOOK_PATH}", psutil.Process(process.pid)
    process.terminate()
    process.wait(20)


def test_processes_share_the_limit_of_an_address(gunicorn, tmp_path):
    url, server = gunicorn

    def post(_number):
        return requests.post(url, json={"event": "ping"}, timeout=20).status_code

    with ThreadPoolExecutor(6) as pool:
        first = Counter(pool.map(post, range(20)))
        server.children()[0].kill()
        second = Counter(pool.map(post, range(40)))
    assert (first, second) == (Counter({401: 20}), Counter({401: 10, 429: 30}))
    assert {file.name for file in (tmp_path / "throttle").iterdir()} == {"counters", "measurements"}
