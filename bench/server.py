"""The measured web server (gunicorn with the configuration of `make run`), and its processor time."""

import http.client
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from bench.database import NAME
from cvety_crm.ops.listen_address import free_port

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT = 60.0  # seconds
UNUSED_URL = "http://127.0.0.1:9"
"""The URL of Telegram in the settings. Queued messages are never sent to it, because no worker runs."""


def environment(database_url: str, scratch: Path) -> dict[str, str]:
    """Return the settings of a CRM as in production, with made-up secrets. `scratch` is the folder for its files.

    Create a folder for static files in `scratch`.
    """
    (scratch / "static").mkdir()
    return {
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "ENV_FILE": "",
        "DEBUG": "off",
        "HTTPS": "off",
        "LOG_LEVEL": "WARNING",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "WEBHOOK_TOKENS": secrets.token_urlsafe(32),
        "WEBHOOK_RATE": "100000/s",
        "WEBHOOK_TIME_BUDGET": "-1",  # every event is processed at once
        "THROTTLE_CACHE_DIR": str(scratch / "throttle"),
        "BENCH_STATIC_ROOT": str(scratch / "static"),
        "DATABASE_URL": database_url,
        "ALLOWED_HOSTS": "127.0.0.1",
        "TRUSTED_PROXIES": "0",
        "BITRIX_API_URL": "",
        "BITRIX_REST_URL": "",
        "TELEGRAM_NOTIFICATIONS_ENABLED": "on",
        "TELEGRAM_BOT_TOKEN": f"1:{secrets.token_hex(16)}",
        "TELEGRAM_CHAT_ID": "-1",
        "TELEGRAM_BASE_URL": UNUSED_URL,
        "HOST": "127.0.0.1",
        "PORT": str(free_port(preferred=8009)),
    }


class Server:
    """A running gunicorn, with the settings in the environment of this process, or in a different environment.

    `application` is the module of the WSGI application. By default it is the CRM.
    """

    def __init__(self, application: str = "cvety_crm.wsgi", environment: Mapping[str, str] = os.environ) -> None:
        self._application, self._environment = application, environment

    def __enter__(self) -> "Server":
        self.host, self.port = self._environment["HOST"], int(self._environment["PORT"])
        command = [sys.executable, "-m", "gunicorn", "-c", "python:cvety_crm.ops.gunicorn_conf", self._application]
        self._process = subprocess.Popen(command, cwd=ROOT, env=dict(self._environment))
        try:
            self._wait_until_started()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def workers(self) -> int:
        """Return the number of web processes."""
        return len(psutil.Process(self._process.pid).children())

    def web_seconds(self) -> float:
        """Return the processor time of all web processes in seconds, including processes that have ended."""
        master = psutil.Process(self._process.pid)
        own = master.cpu_times()
        times = [own, *(_times(child) for child in master.children())]
        ended = own.children_user + own.children_system
        return ended + sum(one.user + one.system for one in times if one is not None)

    def _wait_until_started(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            if self._process.poll() is not None:
                raise RuntimeError(f"gunicorn ended with {self._process.returncode}")
            try:
                connection = http.client.HTTPConnection(self.host, self.port, timeout=5)
                connection.request("GET", "/")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"gunicorn did not answer within {START_TIMEOUT:g} s")
            time.sleep(0.1)


def database_seconds() -> float:
    """Return the processor time in seconds of the PostgreSQL processes that now serve the benchmark's database."""
    total = 0.0
    for process in psutil.process_iter(["cmdline"]):
        title = (process.info["cmdline"] or [""])[0]
        if title.startswith("postgres:") and NAME in title.split() and (times := _times(process)):
            total += times.user + times.system
    return total


def _times(process: psutil.Process) -> "psutil._ntuples.pcputimes | None":
    try:
        return process.cpu_times()
    except psutil.Error:
        return None  # the process has ended
