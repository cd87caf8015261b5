"""Tests of the private PostgreSQL: start, stop, and recovery from crashes. Each test has its own server."""

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

import environ
import psutil
import psycopg
import pytest

from cvety_crm.dev import embedded_postgres

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[3]
START_SERVER = "from cvety_crm.dev import embedded_postgres; url = embedded_postgres.database_url();"
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder():
    """Yield a folder for a server. After the test, kill the processes that still run in this folder."""
    # tmp_path can't be used: only the owner can traverse its folders, and a test in this module changes that
    # permission.
    root = Path(os.path.realpath("/tmp")) / f"Cvety test {os.getpid()} {time.monotonic_ns()}"
    root.mkdir()
    yield root / ".postgres"
    embedded_postgres.release(root / ".postgres")
    for process in _servers(root / ".postgres"):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            process.wait(10)
    shutil.rmtree(root)


def _servers(folder):
    """Return the main process of the server in this folder and its guard process, if they are running."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            if str(folder / "data") in line or (line[-1:] == [str(folder)] and "embedded_postgres.py" in line[-2]):
                found.append(process)
    return found


def _postmaster(folder):
    return psutil.Process(int((folder / "data/postmaster.pid").read_text().split()[0]))


def _process(folder, code, **options):
    return subprocess.Popen(
        [sys.executable, "-c", START_SERVER + code],
        cwd=ROOT,
        env=os.environ | {"EMBEDDED_POSTGRES_DIR": str(folder)},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )


def _connect(url):
    """Connect with the parameters that Django uses: django-environ reads them from the URL."""
    config = environ.Env.db_url_config(url)
    return psycopg.connect(
        host=config["HOST"], port=config["PORT"], user=config["USER"], dbname=config["NAME"], autocommit=True
    )


def _until_stopped(folder, timeout=60):
    deadline = time.monotonic() + timeout
    while _servers(folder):
        assert time.monotonic() < deadline, f"still running: {_servers(folder)}"
        time.sleep(0.05)


def test_database_is_utf8_and_supports_russian_letter_case(folder):
    with _connect(embedded_postgres.database_url(folder)) as connection:
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert connection.execute("SELECT upper('тюльпан'), current_database()").fetchone() == ("ТЮЛЬПАН", "cvety_crm")
    embedded_postgres.release(folder)


def test_server_is_accessible_only_to_its_owner(folder):
    embedded_postgres.database_url(folder)
    assert (folder / "data").stat().st_mode & 0o077 == 0
    assert (folder / "data/.s.PGSQL.5432").exists()
    with _connect(embedded_postgres.database_url(folder)) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_data_is_preserved_when_server_restarts(folder):
    with _connect(embedded_postgres.database_url(folder)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'yes' AS answer")
    embedded_postgres.release(folder)
    assert not _servers(folder)[1:], "release() returns when the server has stopped"
    with _connect(embedded_postgres.database_url(folder)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == ("yes",)


def test_processes_that_start_at_the_same_time_share_one_server(folder):
    processes = [_process(folder, "print(url); input()") for _ in range(6)]
    urls = {process.stdout.readline() for process in processes}
    assert len(urls) == 1, urls
    postmaster = _postmaster(folder)
    for process in processes[:-1]:
        process.communicate("\n", timeout=60)
    time.sleep(0.5)
    assert postmaster.is_running(), "the last process still uses it"
    processes[-1].communicate("\n", timeout=60)
    _until_stopped(folder)


@pytest.mark.parametrize(
    "end",
    ["pass", "import os; os._exit(1)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"],
    ids=["normal end", "exit without cleanup", "killed"],
)
def test_server_stops_when_last_process_ends(folder, end):
    _process(folder, end).communicate(timeout=60)
    _until_stopped(folder)


def test_new_process_gets_a_server_while_the_old_one_stops(folder):
    for delay in (0, 0.02, 0.05, 0.1, 0.2):
        assert _process(folder, "print(url)").communicate(timeout=60)[0].startswith("postgres://")
        time.sleep(delay)
    _until_stopped(folder)


def test_release_does_not_stop_server_that_another_process_uses(folder):
    embedded_postgres.database_url(folder)
    postmaster = _postmaster(folder)
    _process(folder, "embedded_postgres.release()").communicate(timeout=60)
    time.sleep(0.5)
    assert postmaster.is_running()


@pytest.mark.parametrize("pid_is_reused", [False, True], ids=["pid is free", "pid is reused"])
def test_server_starts_again_after_it_was_killed(folder, pid_is_reused):
    with _connect(embedded_postgres.database_url(folder)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'yes' AS answer")
    pid_file = folder / "data/postmaster.pid"
    killed = _postmaster(folder)
    killed.kill()
    killed.wait(10)
    lines = pid_file.read_text().split("\n")
    # After a restart of a container, a different process of the server's user can have the server's process id.
    other_process = subprocess.Popen(["sleep", "300"], user=(folder / "data").stat().st_uid if AS_ROOT else None)
    try:
        if pid_is_reused:
            pid_file.write_text("\n".join([str(other_process.pid), *lines[1:]]))
        with _connect(embedded_postgres.database_url(folder)) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == ("yes",)
        assert other_process.poll() is None
    finally:
        other_process.kill()
        other_process.wait()


def test_revive_restarts_killed_server_at_the_same_url(folder, capfd):
    url = embedded_postgres.database_url(folder)
    embedded_postgres.revive(folder)
    assert capfd.readouterr().out == ""
    killed = _postmaster(folder)
    killed.kill()
    killed.wait(10)
    embedded_postgres.revive(folder)
    assert capfd.readouterr().out == "PostgreSQL was not running; starting it again.\n"
    with _connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_server_starts_after_a_kill_during_initdb(folder):
    (folder / "data.new").mkdir(parents=True)
    (folder / "data.new/PG_VERSION").write_text("18\n")
    with _connect(embedded_postgres.database_url(folder)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("name", ["very long " * 12 + "end", "a comma, then more"], ids=["long path", "comma"])
def test_socket_is_elsewhere_when_path_is_not_usable(folder, name):
    deep = folder.parent / name / ".postgres"
    deep.parent.mkdir()
    url = embedded_postgres.database_url(deep)
    try:
        with _connect(url) as connection:
            assert connection.execute("SHOW data_directory").fetchone() == (str(deep / "data"),)
        sockets = Path(environ.Env.db_url_config(url)["HOST"])
        assert sockets.stat().st_mode & 0o077 == 0
    finally:
        embedded_postgres.release(deep)
        shutil.rmtree(sockets)


def test_failed_start_reports_the_log_of_the_server(folder):
    embedded_postgres.database_url(folder)
    embedded_postgres.release(folder)
    (folder / "data/postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(RuntimeError, match="no_such_setting"):
        embedded_postgres.database_url(folder)
    embedded_postgres.release(folder)


@pytest.mark.usefixtures("folder")
def test_module_is_not_imported_when_database_url_is_set():
    code = "import django, sys; django.setup(); sys.exit('cvety_crm.dev.embedded_postgres' in sys.modules)"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "cvety_crm.settings",
        "DATABASE_URL": "postgres://unused@localhost/unused",
    }
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False, timeout=60)
    assert result.returncode == 0


if AS_ROOT:

    def test_root_makes_parent_folders_traversable_but_not_listable(folder):
        closed = folder.parent / "closed"
        closed.mkdir(mode=0o700)
        embedded_postgres.database_url(closed / ".postgres")
        try:
            assert closed.stat().st_mode & 0o777 == 0o701
            assert _postmaster(closed / ".postgres").username() == "nobody"
        finally:
            embedded_postgres.release(closed / ".postgres")

    def test_root_runs_server_as_owner_of_the_checkout(folder):
        owner = next(user for user in pwd.getpwall() if 0 < user.pw_uid < 65534)
        os.chown(folder.parent, owner.pw_uid, owner.pw_gid)
        embedded_postgres.database_url(folder)
        assert _postmaster(folder).username() == owner.pw_name
        # All files belong to the owner, who can use the server without the rights of root.
        assert {path.stat().st_uid for path in (folder, *folder.rglob("*"))} == {owner.pw_uid}
