"""Tests of the MariaDB server of the tests: its start, the rights of its accounts, and its end."""

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pymysql
import pytest

from tests import mariadb

START_AND_BE_KILLED = """
import time
from tests import mariadb
with mariadb.running() as server:
    print(server.folder, (server.folder / "pid").read_text().strip(), flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def server():
    with mariadb.running() as running:
        yield running


@pytest.fixture
def copy(server):
    made = server.database("a copy/1")
    made.execute("CREATE TABLE flowers (name varchar(50))")
    made.insert("flowers", [{"name": "rose"}, {"name": "peony"}])
    yield made
    made.drop()


@pytest.mark.parametrize(("account", "refusal"), [("reader", 1142), ("writer", None), ("role_reader", None)])
def test_account_can_select_and_is_refused_an_insert_without_the_right(copy, account, refusal):
    url = urlsplit(copy.url(account))
    connection = pymysql.connect(
        unix_socket=parse_qs(url.query)["unix_socket"][0],
        user=url.username,
        password=unquote(url.password or ""),
        database=unquote(url.path[1:]),
    )
    with connection, connection.cursor() as cursor:
        assert cursor.execute("SELECT name FROM flowers") == 2
        if refusal is None:
            assert cursor.execute("INSERT INTO flowers VALUES ('tulip')") == 1
        else:
            with pytest.raises(pymysql.err.OperationalError) as refused:
                cursor.execute("INSERT INTO flowers VALUES ('tulip')")
            assert refused.value.args[0] == refusal


def test_role_reader_is_refused_a_delete(copy):
    with (
        copy.connect("role_reader") as connection,
        connection.cursor() as cursor,
        pytest.raises(pymysql.err.OperationalError, match="DELETE command denied"),
    ):
        cursor.execute("DELETE FROM flowers")


def test_server_and_its_folder_are_gone_after_the_context():
    with mariadb.running() as server:
        pid = int((server.folder / "pid").read_text())
    assert not server.folder.exists()
    assert _has_ended(pid)


def test_server_and_its_folder_are_gone_after_the_test_process_is_killed():
    starter = subprocess.Popen([sys.executable, "-c", START_AND_BE_KILLED], stdout=subprocess.PIPE, text=True)
    with starter:
        assert starter.stdout is not None
        folder, pid = starter.stdout.readline().split()
        starter.kill()
    deadline = time.monotonic() + 10
    while (Path(folder).exists() or not _has_ended(int(pid))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(folder).exists()
    assert _has_ended(int(pid))


def test_missing_server_raises_error_with_the_package_to_install(monkeypatch):
    monkeypatch.setattr(mariadb.shutil, "which", lambda name, path: None)
    with pytest.raises(RuntimeError, match=r"mariadbd is missing.*apt install mariadb-server"), mariadb.running():
        pass


def _has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # A process that has ended is a zombie until its new parent has waited for it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True
