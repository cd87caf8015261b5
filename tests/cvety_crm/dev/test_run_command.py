"""`manage.py run` for real: all programs, a Ctrl-C."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest
import requests

from tests.checkout import ROOT, environment


def test_starts_takes_orders_and_stops_leaving_nothing(checkout):
    assert checkout.start().status_code == 200
    welcome = checkout.said()
    assert f"http://localhost:{checkout.port}/crm/" in welcome
    assert re.search(r"Log in as +admin, password \S{16} ", welcome)

    # The stand-in site has been told the address, and the CRM takes its orders.
    checkout.wait_for(r"site +\| .*webhook order\.create \d+ v\d+: success")
    login = requests.get(f"http://127.0.0.1:{checkout.port}/crm/login/", timeout=30)
    assert login.status_code == 200
    style = re.search(r'href="(/static/[^"]+\.css)"', login.text)[1]
    assert requests.get(f"http://127.0.0.1:{checkout.port}{style}", timeout=30).status_code == 200

    # A crash of one part, and then Ctrl-C.
    worker = next(process for process in checkout.processes() if process.cmdline()[-1] == "qcluster")
    os.killpg(os.getpgid(worker.pid), signal.SIGKILL)
    checkout.wait_for(r"worker was ended by SIGKILL\. Starting it again in 1 s\.")
    assert checkout.stop(signal.SIGINT) < 60
    assert checkout.process.returncode == 0
    assert checkout.said().endswith("Stopped.\n")
    checkout.assert_nothing_left()

    # The second time: no password any more, the data kept, SIGTERM as good as Ctrl-C.
    assert checkout.start().status_code == 200
    assert ", password" not in checkout.said()
    assert checkout.stop(signal.SIGTERM) < 60
    checkout.assert_nothing_left()


def test_nothing_is_left_when_it_is_killed_and_it_starts_again(checkout):
    assert checkout.start().status_code == 200
    checkout.process.kill()
    checkout.process.wait()
    checkout.assert_nothing_left()
    assert checkout.start().status_code == 200
    checkout.stop(signal.SIGINT)


def test_a_taken_port_gets_one_line_before_anything_is_started(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "manage.py", "run"],
            cwd=ROOT,
            # Without any settings: the port comes first.
            env=environment(port) | {"ENV_FILE": "", "EMBEDDED_POSTGRES_DIR": str(tmp_path / "none")},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 1
    assert result.stderr == f"Port {port} on 127.0.0.1 is already in use: stop what uses it, or set PORT to another.\n"
    assert result.stdout == ""
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "８００１"])
def test_a_port_that_is_none_gets_one_line(port):
    result = subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=ROOT,
        env=environment(port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == f"PORT must be a number from 1 to 65535, not {port!r}.\n"
