"""`manage.py run` for real: a copy of the checkout in a folder of its own, all programs, a Ctrl-C."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "tests", "node_modules")


def _environment(port):
    """What a shell has, without what these tests have set."""
    settings = (ROOT / "tests/settings.py").read_text()
    set_by_tests = set(re.findall(r"^    ([A-Z_]+)=", settings, re.M)) | {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
    kept = {name: value for name, value in os.environ.items() if name not in set_by_tests}
    return kept | {"PORT": str(port)}


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Checkout:
    """A copy of the project, and `manage.py run` in it."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "output"
        shutil.copytree(ROOT, folder, ignore=NOT_COPIED, dirs_exist_ok=True)
        subprocess.run([sys.executable, "-m", "cvety_crm.first_run"], cwd=folder, check=True, capture_output=True)
        self.port = _free_port()

    def start(self):
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=self.folder,
                env=_environment(self.port),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 90
        while True:
            with contextlib.suppress(requests.ConnectionError):
                return requests.get(f"http://127.0.0.1:{self.port}/", timeout=30)
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def said(self):
        return self.log.read_text()

    def wait_for(self, pattern, timeout=30):
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.said())):
            assert time.monotonic() < deadline, f"{pattern!r} did not come; said:\n{self.said()}"
            time.sleep(0.1)
        return found

    def processes(self):
        """Everything that runs out of this folder."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                inside = process.cwd() == str(self.folder) or str(self.folder) in " ".join(process.cmdline())
                if inside and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def stop(self, number):
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=40)
        return time.monotonic() - started

    def assert_nothing_left(self, timeout=5):
        deadline = time.monotonic() + timeout
        while left := self.processes():
            assert time.monotonic() < deadline, left
            time.sleep(0.1)


@pytest.fixture
def checkout():
    folder = Path(os.path.realpath("/tmp")) / f"cvety-run-{os.getpid()}-{time.monotonic_ns()}"
    checkout = Checkout(folder)
    yield checkout
    for process in checkout.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    shutil.rmtree(folder)


@pytest.mark.e2e
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
    assert checkout.stop(signal.SIGINT) < 20
    assert checkout.process.returncode == 0
    assert checkout.said().endswith("Stopped.\n")
    checkout.assert_nothing_left(timeout=1)

    # The second time: no password any more, the data kept, SIGTERM as good as Ctrl-C.
    started = time.monotonic()
    assert checkout.start().status_code == 200
    assert time.monotonic() - started < 30
    assert ", password" not in checkout.said()
    assert checkout.stop(signal.SIGTERM) < 20
    checkout.assert_nothing_left(timeout=1)


@pytest.mark.e2e
def test_nothing_is_left_when_it_is_killed_and_it_starts_again(checkout):
    assert checkout.start().status_code == 200
    checkout.process.kill()
    checkout.process.wait()
    checkout.assert_nothing_left(timeout=20)
    assert checkout.start().status_code == 200
    checkout.stop(signal.SIGINT)


def test_a_taken_port_gets_one_line_before_anything_is_started(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "manage.py", "run"],
            cwd=ROOT,
            # Without any settings: the port comes first.
            env=_environment(port) | {"ENV_FILE": "", "EMBEDDED_POSTGRES_DIR": str(tmp_path / "none")},
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
        env=_environment(port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == f"PORT must be a number from 1 to 65535, not {port!r}.\n"
