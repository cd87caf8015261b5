"""A copy of the checkout in a folder of its own, and `manage.py run` in it: what a newcomer has."""

import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from bitrix_bridge.sandbox.server import BRIDGE_PATH
from bitrix_bridge.sandbox.shop import order_request

ROOT = Path(__file__).resolve().parents[1]
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "tests", "node_modules")


def environment(port):
    """What a shell has, without what these tests have set."""
    settings = (ROOT / "tests/settings.py").read_text()
    set_by_tests = set(re.findall(r"^    ([A-Z_]+)=", settings, re.M)) | {
        "DATABASE_URL",
        "DJANGO_SETTINGS_MODULE",
        "EMBEDDED_POSTGRES_DIR",
    }
    kept = {name: value for name, value in os.environ.items() if name not in set_by_tests}
    return kept | {"PORT": str(port)}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Checkout:
    """A copy of the project, and `manage.py run` in it."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "output"
        shutil.copytree(ROOT, folder, ignore=NOT_COPIED, dirs_exist_ok=True)
        subprocess.run([sys.executable, "-m", "cvety_crm.dev.first_run"], cwd=folder, check=True, capture_output=True)
        self.port = free_port()

    def close_the_shop(self):
        """Nobody orders at the stand-in site and nobody changes an order there, unless a test does. Before `start`."""
        command = self.folder / "cvety_crm/management/commands/run.py"
        text, replaced = re.subn(r"^STAND_IN_INTERVAL = \d+", "STAND_IN_PAUSE = 0", command.read_text(), flags=re.M)
        assert replaced == 1
        command.write_text(text)

    def place_orders(self, number, site):
        """Place orders at the stand-in site, by its bridge; each is announced to the CRM as any other."""
        token = re.search(r"^BITRIX_API_TOKEN=(\S+)", (self.folder / ".env").read_text(), re.M)[1]
        for _ in range(number):
            order = {"action": "order.create", **order_request(random.Random())}
            answer = requests.post(f"{site}{BRIDGE_PATH}", json=order, headers={"X-API-TOKEN": token}, timeout=30)
            assert answer.status_code == 200, answer.text

    def start(self):
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=self.folder,
                env=environment(self.port),
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
def checkout() -> Iterator[Checkout]:
    folder = Path(os.path.realpath("/tmp")) / f"cvety-run-{os.getpid()}-{time.monotonic_ns()}"
    running = Checkout(folder)
    yield running
    for process in running.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    if hasattr(running, "process"):
        running.process.wait()
    shutil.rmtree(folder)
