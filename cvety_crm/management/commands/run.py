"""The command `manage.py run` (`make run`), which runs the CRM and its worker.

First it prepares the database and the static files. If DEBUG is on and neither BITRIX_API_URL nor BITRIX_REST_URL is
set, it also runs the sandbox, which sends its orders as webhooks. `manage.py` checks that the port is free before it
runs this command.
"""

import os
import secrets
import sys
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.db.migrations.exceptions import InconsistentMigrationHistory

from cvety_crm.dev.static_files import collect_static_files
from cvety_crm.dev.supervisor import Program, Supervisor
from cvety_crm.models import Heartbeat
from cvety_crm.ops.listen_address import free_port, listen_address

SANDBOX_INTERVAL = 6  # seconds between two orders of the sandbox


class Command(BaseCommand):
    """The command that starts all programs and waits for Ctrl-C."""

    help = "Run the CRM, its worker and, in development, the sandbox. Ctrl-C stops all of them."
    requires_system_checks = []  # `migrate` runs the necessary checks; `make lint` runs all of them

    def handle(self, *args: Any, **options: Any) -> None:
        """Start all programs and return after they have stopped."""
        os.chdir(settings.BASE_DIR)
        private = not os.environ.get("DATABASE_URL")
        environment = {}
        if private:
            from cvety_crm.dev import embedded_postgres

            # The child processes get the URL, so that only this process starts and stops the server.
            environment["DATABASE_URL"] = embedded_postgres.database_url()
        try:
            self._run(environment, private)
        finally:
            connections.close_all()
            settings.SANDBOX_URL_FILE.unlink(missing_ok=True)
            if private:
                embedded_postgres.release()
            self.stdout.write("Stopped.")

    def _run(self, environment: dict[str, str], private: bool) -> None:
        self.stdout.write("Preparing the database and the static files…")
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except InconsistentMigrationHistory as error:
            # The migrations were rewritten before the first installation: the earlier migrations cannot be continued.
            raise CommandError("The database is older than this code. In development, remove .postgres.") from error
        collect_static_files()
        password = self._create_first_user()
        Heartbeat.beat(Heartbeat.START)
        connections.close_all()

        host, port = listen_address()
        site_port = None
        if settings.USES_SANDBOX:
            site_port = free_port(preferred=port + 1)
            environment["BITRIX_API_URL"] = f"http://127.0.0.1:{site_port}/local/crm-bridge.php"
            settings.SANDBOX_URL_FILE.parent.mkdir(exist_ok=True)
            settings.SANDBOX_URL_FILE.write_text(environment["BITRIX_API_URL"])
        self._welcome(port, site_port, password)
        supervisor = Supervisor(_programs(host, port, site_port, environment), on_tick=_revive if private else None)
        supervisor.run()

    def _create_first_user(self) -> str | None:
        """Create the user `admin` if DEBUG is on and there are no users.

        Return the password of the new user, which is not stored as plain text, or None.
        """
        users = get_user_model()
        if not settings.DEBUG or users._default_manager.exists():
            return None
        password = secrets.token_urlsafe(12)
        users._default_manager.create_superuser(username="admin", email="", password=password)
        return password

    def _welcome(self, port: int, site_port: int | None, password: str | None) -> None:
        lines = ["", f"  CRM            http://localhost:{port}/crm/"]
        if site_port:
            lines.append(f"  Sandbox        http://localhost:{site_port}/  (a new order every few seconds)")
        if password:
            lines.append(f"  Log in as      admin, password {password}  (shown only this once)")
        elif settings.DEBUG:
            lines.append("  Log in as      admin (a new password: .venv/bin/python manage.py changepassword admin)")
        lines += ["  Stop           Ctrl-C", ""]
        self.stdout.write("\n".join(lines))


def _programs(host: str, port: int, site_port: int | None, environment: dict[str, str]) -> list[Program]:
    """Return the programs to run in parallel."""
    python = sys.executable
    programs = [
        Program("web", [python, "-m", "gunicorn", "-c", "python:cvety_crm.ops.gunicorn_conf"], environment),
        Program("worker", [python, "manage.py", "qcluster"], environment),
    ]
    if site_port:
        # The site cannot send requests to a wildcard address.
        reachable = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - compared, not listened on
        reachable = f"[{reachable}]" if ":" in reachable else reachable
        programs.append(
            Program(
                "site",
                [
                    python, "-m", "bitrix_bridge.sandbox",
                    "--port", str(site_port),
                    "--webhook-url", f"http://{reachable}:{port}/webhooks/bitrix/order",
                    "--data-file", ".sandbox/site.sqlite3",
                    "--every", str(SANDBOX_INTERVAL),
                ],
                environment,
            )
        )  # fmt: skip
    return programs


def _revive() -> None:
    """Restart the private PostgreSQL if it was killed. The programs reconnect by themselves."""
    from cvety_crm.dev import embedded_postgres

    try:
        embedded_postgres.revive()
    except RuntimeError as error:
        print(error, flush=True)  # noqa: T201 - the next tick tries again
