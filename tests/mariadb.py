"""A private MariaDB server for the tests of the import, without network port and fsync. It is deleted after the tests.

It needs only the programs of Debian's `mariadb-server` (`mariadbd`, `mariadb-install-db`), and does not use a MariaDB
service of the machine. The server listens on a UNIX socket in a temporary folder. A second process, the guard process,
reads from a pipe that only the test process holds open. When the test process ends, even if it is killed, the pipe
closes. The guard process then kills the server and removes the folder.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pymysql

START_TIMEOUT = 60  # seconds; on an idle machine, the start needs less than one second
ROWS_AT_ONCE = 500  # the maximum number of rows in one INSERT

Account = Literal["reader", "writer", "role_reader"]
# The passwords contain characters that have a special meaning in a URL.
PASSWORDS: dict[Account, str] = {"reader": "read:er/1", "writer": "wr@ter?2", "role_reader": "r%le#3"}

# The server stores a few hundred rows of test data, so it needs no durability.
OPTIONS = (
    "--skip-networking",
    "--skip-log-bin",
    "--skip-name-resolve",
    "--debug-no-sync",
    "--innodb-flush-method=nosync",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=8M",
    # Tables are not stored in separate files, because the tests create and drop many databases.
    "--innodb-file-per-table=0",
    "--performance-schema=OFF",
    "--character-set-server=utf8mb4",
)
GUARD = 'read -r _; kill -KILL "$0"; sleep 0.1; rm -rf "$1"'


class Copy:
    """A database of the server that contains a copy of the site's database."""

    def __init__(self, server: "Server", name: str) -> None:
        self.server = server
        self.name = name
        self.connection = server.connect(name)

    def execute(self, sql: str, args: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement as the owner of the database, commit it, and return its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, args)
            return list(cursor.fetchall())

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows in as few statements as possible. Columns that a row does not name get their defaults."""
        groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        for row in rows:
            groups.setdefault(tuple(row), []).append(tuple(row.values()))
        with self.connection.cursor() as cursor:
            for columns, values in groups.items():
                names = ", ".join(f"`{column}`" for column in columns)
                marks = "(" + ", ".join(["%s"] * len(columns)) + ")"
                for start in range(0, len(values), ROWS_AT_ONCE):
                    part = values[start : start + ROWS_AT_ONCE]
                    sql = f"INSERT INTO `{table}` ({names}) VALUES {', '.join([marks] * len(part))}"
                    cursor.execute(sql, [value for row in part for value in row])

    def url(self, account: Account) -> str:
        """Return the URL of the database for an account, with all parts percent-encoded.

        `reader` may only SELECT, and `writer` may do everything. `role_reader` may SELECT, and a default role grants it
        INSERT.
        """
        password, name = quote(PASSWORDS[account], safe=""), quote(self.name, safe="")
        return f"mysql://{account}:{password}@localhost/{name}?unix_socket={quote(str(self.server.socket), safe='')}"

    def connect(self, account: Account) -> "pymysql.Connection[Any]":
        """Return a connection of the account. The caller must close the connection."""
        return pymysql.connect(
            unix_socket=str(self.server.socket),
            user=account,
            password=PASSWORDS[account],
            database=self.name,
            charset="utf8mb4",
        )

    def drop(self) -> None:
        """Drop the database, and close the connection of its owner."""
        self.execute(f"DROP DATABASE IF EXISTS `{self.name}`")
        self.connection.close()


class Server:
    """A MariaDB server that runs for the process that has started it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "socket"
        self.log = folder / "log"

    def database(self, name: str) -> Copy:
        """Create an empty database in place of one with the same name, and grant the accounts access to it."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
            for rights, grantee in (
                ("SELECT", "reader@localhost"),
                ("ALL", "writer@localhost"),
                ("SELECT", "role_reader@localhost"),
                ("INSERT", "inserting"),
            ):
                cursor.execute(f"GRANT {rights} ON `{name}`.* TO {grantee}")
        return Copy(self, name)

    def connect(self, database: str | None = None, *, client_flag: int = 0) -> "pymysql.Connection[Any]":
        """Return a connection of the owner without strict mode. It can store values such as 0000-00-00."""
        return pymysql.connect(
            unix_socket=str(self.socket),
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
            sql_mode="",
            client_flag=client_flag,
        )

    def create_accounts(self) -> None:
        """Create the accounts for which `Copy.url` returns URLs, and the default role of `role_reader`."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            for account, password in PASSWORDS.items():
                cursor.execute("CREATE USER %s@localhost IDENTIFIED BY %s", (account, password))
            cursor.execute("CREATE ROLE inserting")
            cursor.execute("GRANT inserting TO role_reader@localhost")
            cursor.execute("SET DEFAULT ROLE inserting FOR role_reader@localhost")


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Run a server inside the `with` block. Raise `RuntimeError` with the reason if the server does not start."""
    daemon, install = _program("mariadbd"), _program("mariadb-install-db")
    # pytest's folders are not used, because the path of a socket is limited to about a hundred bytes.
    server = Server(Path(tempfile.mkdtemp(prefix="mariadb-")))
    # Without this option, MariaDB does not start if the current user is root.
    common = ["--no-defaults", f"--datadir={server.folder / 'data'}", *(["--user=root"] if os.geteuid() == 0 else [])]
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, server.folder, ignore_errors=True)
        log = stack.enter_context(server.log.open("wb"))
        made = subprocess.run(
            [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db", *OPTIONS],
            stdout=log,
            stderr=log,
        )
        if made.returncode:
            raise RuntimeError(f"mariadb-install-db failed:\n{_tail(server.log)}")
        process = subprocess.Popen(
            [daemon, *common, f"--socket={server.socket}", f"--pid-file={server.folder / 'pid'}", *OPTIONS],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C must stop only the tests
        )
        stack.callback(process.wait)
        stack.callback(process.kill)  # the data of the server is not needed any more
        guard = subprocess.Popen(
            ["sh", "-c", GUARD, str(process.pid), str(server.folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        stack.callback(guard.communicate)
        stack.callback(guard.kill)  # the pipe is still open, so the guard process has not killed the server
        _wait_until_started(server, process)
        server.create_accounts()
        yield server


def is_installed() -> bool:
    """Return whether the server's programs are installed."""
    return _find("mariadbd") is not None and _find("mariadb-install-db") is not None


def _find(name: str) -> str | None:
    # Debian installs servers in folders that may not be in the user's PATH.
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/bin")))


def _program(name: str) -> str:
    found = _find(name)
    if found is None:
        raise RuntimeError(f"{name} is missing: the import's tests need MariaDB (Debian: apt install mariadb-server)")
    return found


def _wait_until_started(server: Server, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            # A plain socket is used, because PyMySQL does not close the socket of a refused connection.
            with socket.socket(socket.AF_UNIX) as attempt:
                attempt.connect(str(server.socket))
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB does not start:\n{_tail(server.log)}") from None
            time.sleep(0.02)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])
