"""PgBouncer in transaction mode, as the pooler of Supabase, in front of the private PostgreSQL."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
CONFIGURATION = """
[databases]
{database} = host={folder} port={port} dbname={database} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 10
max_client_conn = 200
max_prepared_statements = 0
server_login_retry = 1
"""


class Pooler:
    """A running PgBouncer. `url` is the URL of the database for the CRM."""

    def __init__(self, database_url: str, folder: Path, port: int) -> None:
        parts = urlsplit(database_url)
        sockets, database = parts.path.strip("/").split("/")
        self.port, self.folder, self._sockets = port, folder, Path(unquote(sockets))
        self.url = f"postgres://postgres@127.0.0.1:{port}/{database}"
        text = CONFIGURATION.format(database=database, folder=self._sockets, port=parts.port, listen=port)
        if "max_prepared_statements" in text and version() < (1, 21):
            text = text.replace("max_prepared_statements = 0\n", "")  # earlier versions know no prepared statements
        self.file = folder / "pgbouncer.ini"
        self.file.write_text(text)
        self.file.chmod(0o644)
        self.start()

    def start(self) -> None:
        """Start the program, and wait until it accepts connections."""
        # It refuses to run as root, and only the owner of PostgreSQL's socket may use it.
        user = ["-u", self._sockets.owner()] if os.geteuid() == 0 else []
        with (self.folder / "pgbouncer.log").open("ab") as log:
            self.process = subprocess.Popen([str(PROGRAM), *user, str(self.file)], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "pgbouncer.log").read_text()
                assert self.process.poll() is None, (self.folder / "pgbouncer.log").read_text()
                time.sleep(0.05)

    def kill(self) -> None:
        """Kill the program. All clients lose their connections."""
        self.process.kill()
        self.process.wait()


def version() -> tuple[int, ...]:
    """Return the version of the program."""
    said = subprocess.run([str(PROGRAM), "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.split()[1].split(".")[:2])
