"""A copy of the checkout in its own folder, and `manage.py run` in this copy, in the environment of a new developer."""

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
EXCLUDED = shutil.ignore_patterns(".*", "__pycache__", "tests", "node_modules")


def environment(port):
    """Return the environment of the shell, with this port and without the variables that the tests have set."""
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
    """A copy of the project in a folder, in which `manage.py run` can be started."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "output"
        shutil.copytree(ROOT, folder, ignore=EXCLUDED, dirs_exist_ok=True)
        subprocess.run([sys.executable, "-m", "cvety_crm.dev.first_run"], cwd=folder, check=True, capture_output=True)
        self.port = free_port()

    def disable_sandbox_orders(self):
        """Stop the sandbox from creating and changing orders by itself. This must be called before `start`."""
        command = self.folder / "cvety_crm/management/commands/run.py"
        text, replaced = re.subn(r"^SANDBOX_INTERVAL = \d+", "SANDBOX_INTERVAL = 0", command.read_text(), flags=re.M)
        assert replaced == 1
        command.write_text(text)

    def place_orders(self, number, site):
        """Create orders on the sandbox through its bridge. The site sends each order to the CRM as usual."""
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
        deadline = time.monotonic() + 180
        while True:
            with contextlib.suppress(requests.ConnectionError):
                return requests.get(f"http://127.0.0.1:{self.port}/", timeout=30)
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.1)

    def output(self):
        return self.log.read_text()

    def wait_for(self, pattern, timeout=60):
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.output())):
            assert time.monotonic() < deadline, f"{pattern!r} is not in the output:\n{self.output()}"
            time.sleep(0.1)
        return found

    def processes(self):
        """Return all processes that run from the folder of the copy."""
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
        self.process.wait(timeout=90)
        return time.monotonic() - started

    def assert_nothing_left(self, timeout=30):
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
