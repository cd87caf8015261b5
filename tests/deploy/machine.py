"""A bare machine for the installer: a folder as root, and programs in the PATH that replace those of the system.

Real are the installer, nginx, PgBouncer, PostgreSQL, gunicorn and the CRM. Replaced are systemd (`services`), apt-get,
and pip: a virtual environment of this machine uses the packages of the environment that runs the tests.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import environ
import psycopg
import requests

from cvety_crm.dev import embedded_postgres
from tests.checkout import free_port
from tests.deploy.pooler import Pooler
from tests.deploy.proxy import Proxy
from tests.deploy.services import Services

PROJECT = Path(__file__).resolve().parents[2]
CONTENT = ("bitrix_bridge", "cvety_crm", "deploy", "locale", "notifications", "orders", "static", "templates")
FILES = ("manage.py", "requirements.lock", ".env.example")
WEBHOOK_PATH = "/webhooks/bitrix/order"

PYTHON = """#!/bin/bash
if [[ "$1 $2" == "-m venv" ]]; then
    mkdir -p "$3/bin"
    ln -sf "$0" "$3/bin/python"
elif [[ "$1 $2" == "-m pip" ]]; then
    echo "$@" >>"{log}"
else
    PYTHONPATH="{absent}" exec "{python}" "$@"
fi
"""
APT_GET = '#!/bin/sh\necho "apt-get $@" >>"{log}"\n'
DPKG_QUERY = '#!/bin/sh\necho "install ok installed"\n'


class Machine:
    """A machine on which `install` installs the checkout in `source`."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)  # PgBouncer and PostgreSQL run as another user if the tests run as root
        self.root, self.source, self.scratch = folder / "root", folder / "source", folder / "scratch"
        self._programs = folder / "bin"
        for path in (self.root, self.source, self.scratch, self._programs):
            path.mkdir()
        for name in CONTENT:
            ignored = shutil.ignore_patterns("__pycache__", ".collected", "node_modules", "*.mo")
            shutil.copytree(PROJECT / name, self.source / name, ignore=ignored)
        for name in FILES:
            shutil.copy(PROJECT / name, self.source / name)
        self.http_port, self.https_port, self.web_port, self.tunnel_port = (free_port() for _ in range(4))
        self.postgres = folder / "postgres"
        self.database_url = embedded_postgres.database_url(self.postgres)
        self.pooler = Pooler(self.database_url, self.scratch, free_port())
        self.proxy = Proxy(self.root, self.scratch)
        self.services = Services(self.root, self.scratch, self.proxy.reload)
        self.log = self.scratch / "commands.log"
        self.log.touch()
        self._write_programs()

    def _write_programs(self) -> None:
        self.services.write_systemctl(self._programs / "systemctl")
        self.proxy.write_nginx(self._programs / "nginx")
        # Production has no brotli. With it, collecting the static files takes five times as long.
        absent = self.scratch / "absent"
        absent.mkdir()
        (absent / "brotli.py").write_text("raise ImportError\n")
        for name, text in (("python3", PYTHON), ("apt-get", APT_GET), ("dpkg-query", DPKG_QUERY)):
            self.write_program(name, text.format(log=self.log, python=sys.executable, absent=absent))

    def write_program(self, name: str, text: str) -> None:
        """Put a program into the PATH of the installer, before those of the system."""
        (self._programs / name).write_text(text)
        (self._programs / name).chmod(0o755)

    def run(self, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the machine, and return its result with both outputs."""
        environment = {
            "PATH": f"{self._programs}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": os.environ.get("HOME", "/"),
            "CRM_USER": subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip(),
            "CRM_PORT": str(self.web_port),
            "HTTP_PORT": str(self.http_port),
            "HTTPS_PORT": str(self.https_port),
            "TUNNEL_PORT": str(self.tunnel_port),
            **more,
        }
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd="/")

    def install(self, *options: str, **more: str) -> str:
        """Run `install.sh`, and return its output. Raise `AssertionError` with all output if it fails."""
        result = self.run(str(self.source / "deploy/install.sh"), "--root", str(self.root), *options, **more)
        assert result.returncode == 0, result.stdout + result.stderr + self._logs()
        return result.stdout + result.stderr

    def install_first(self, *options: str) -> str:
        """Install the CRM with the pooler as its database."""
        return self.install("--domain", "localhost", *options, DATABASE_URL=self.pooler.url)

    def _logs(self) -> str:
        logs = [*self.scratch.glob("*.log")]
        return "".join(f"\n== {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the installation."""
        lines = (self.root / "etc/cvety-crm/env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    def change_settings(self, **values: str) -> None:
        """Edit the settings file, as an administrator does. The services must be restarted afterwards."""
        settings = self.settings | values
        (self.root / "etc/cvety-crm/env").write_text("".join(f"{name}={text}\n" for name, text in settings.items()))

    @property
    def release(self) -> Path:
        """The folder of the running release."""
        return (self.root / "opt/cvety-crm/current").resolve()

    def change_version(self, line: str) -> None:
        """Change the code, so that the next installation is an upgrade."""
        with (self.source / "cvety_crm/__init__.py").open("a") as module:
            module.write(f"\n{line}\n")

    @property
    def url(self) -> str:
        """The URL of the CRM with HTTPS."""
        return f"https://localhost:{self.https_port}"

    @property
    def certificate(self) -> str:
        """The certificate that a client must trust."""
        return str(self.root / "etc/cvety-crm/tls/fullchain.pem")

    def get(self, path: str, **options: Any) -> requests.Response:
        """Send a GET request through nginx."""
        return requests.get(self.url + path, verify=self.certificate, timeout=90, allow_redirects=False, **options)

    def post(self, event: str, data: dict[str, Any], event_id: str = "", **headers: str) -> requests.Response:
        """Send a webhook through nginx, as the site does."""
        body = {"event": event, "data": data, **({"event_id": event_id} if event_id else {})}
        token = {"Authorization": f"Bearer {self.settings['WEBHOOK_TOKENS']}"}
        return requests.post(
            self.url + WEBHOOK_PATH, json=body, headers=token | headers, verify=self.certificate, timeout=90
        )

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a query on the database of the CRM, and return the rows."""
        config = environ.Env.db_url_config(self.database_url)
        with psycopg.connect(
            host=config["HOST"], port=config["PORT"], user=config["USER"], dbname=config["NAME"]
        ) as connection:
            return connection.execute(statement).fetchall()

    def wait_until(self, is_done: Callable[[], object], seconds: float = 30) -> None:
        """Wait until a function returns a true value."""
        deadline = time.monotonic() + seconds
        while not is_done():
            assert time.monotonic() < deadline, self._logs()
            time.sleep(0.05)

    def close(self) -> None:
        """Stop all processes."""
        self.proxy.stop()
        self.services.close()
        self.pooler.kill()
        embedded_postgres.release(self.postgres)
