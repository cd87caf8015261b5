"""The CRM as it runs in production: gunicorn with its own PostgreSQL, which a test may kill."""

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
    """Return the environment variables for a process of the CRM that uses this database."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "WEB_CONCURRENCY": "2",
        **more,
    }


class Crm:
    """A running CRM: gunicorn, as in production, with its own PostgreSQL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database_url = embedded_postgres.database_url(folder)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}{WEBHOOK_PATH}"
        # The rate limit is off, because a test posts as fast as it can.
        environment = environment_of(self.database_url, PORT=str(port), HOST="127.0.0.1", WEBHOOK_RATE="")
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=environment, check=True)
        command = [sys.executable, "-m", "gunicorn", "-c", "python:cvety_crm.ops.gunicorn_conf"]
        # Thousands of lines are written to this file while the database is down.
        self.log = folder.parent / "gunicorn.log"
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
        """Post an event to the webhook URL, with the site's token."""
        body = {"event": event, "data": data, **({"event_id": event_id} if event_id else {})}
        headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
        return requests.post(self.address, json=body, headers=headers, timeout=20)

    def kill_postgresql(self) -> None:
        """Kill all processes of PostgreSQL. The kernel does this when memory runs out."""
        first = psutil.Process(int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0]))
        # The main process is killed first, because it would start new children.
        processes = [first, *first.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        _gone, alive = psutil.wait_procs(processes, timeout=10)
        assert not alive

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a query on the database of the CRM, and return the rows."""
        config = environ.Env.db_url_config(self.database_url)
        with psycopg.connect(
            host=config["HOST"], port=config["PORT"], user=config["USER"], dbname=config["NAME"]
        ) as connection:
            return connection.execute(statement).fetchall()

    def stop(self) -> None:
        """Stop gunicorn, then the database."""
        self.process.terminate()
        self.process.wait(20)
        embedded_postgres.release(self.folder)
