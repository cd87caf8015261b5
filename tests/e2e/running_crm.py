"""The CRM as it runs in production: gunicorn and a PostgreSQL of its own, which a test may kill."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import environ
import psutil
import psycopg
import requests

from cvety_crm.dev import embedded_postgres
from tests.fixtures import WEBHOOK_PATH, WEBHOOK_TOKEN


def environment_of(database_url: str, **more: str) -> dict[str, str]:
    """What a process of the CRM is started with."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "WEB_CONCURRENCY": "2",
        **more,
    }


class Crm:
    """Gunicorn, as in production, on a PostgreSQL of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database_url = embedded_postgres.database_url(folder)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}{WEBHOOK_PATH}"
        # The rate is no test's matter here, and a test posts as fast as it can.
        environment = environment_of(self.database_url, PORT=str(port), HOST="127.0.0.1", WEBHOOK_RATE="")
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=environment, check=True)
        command = [sys.executable, "-m", "gunicorn", "-c", "python:cvety_crm.ops.gunicorn_conf"]
        self.log = folder.parent / "gunicorn.log"  # thousands of lines while its database is away
        with self.log.open("w") as output:
            self.process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 30
        while True:
            try:
                requests.get(f"http://127.0.0.1:{port}/", timeout=5)
                return
            except requests.ConnectionError:
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)

    def post(self, event: str, data: dict[str, Any], event_id: str = "") -> requests.Response:
        """Post an event as the site does."""
        body = {"event": event, "data": data, **({"event_id": event_id} if event_id else {})}
        headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
        return requests.post(self.address, json=body, headers=headers, timeout=20)

    def kill_postgresql(self) -> None:
        """End every process of PostgreSQL at once, without a word, as the kernel does when memory runs out."""
        first = psutil.Process(int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0]))
        # The first one before its children: it would bring up new ones.
        doomed = [first, *first.children(recursive=True)]
        for process in doomed:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        _gone, alive = psutil.wait_procs(doomed, timeout=10)
        assert not alive

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Read from its database."""
        config = environ.Env.db_url_config(self.database_url)
        with psycopg.connect(
            host=config["HOST"], port=config["PORT"], user=config["USER"], dbname=config["NAME"]
        ) as connection:
            return connection.execute(statement).fetchall()

    def stop(self) -> None:
        """End gunicorn, then its database."""
        self.process.terminate()
        self.process.wait(20)
        embedded_postgres.release(self.folder)
