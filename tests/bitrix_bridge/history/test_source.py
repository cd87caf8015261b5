"""Tests of the read-only access to the copy of the site's database.

They cover accounts, sessions, addresses, and versions of the tables.
"""

import pymysql
import pytest

from bitrix_bridge.history import source as source_module
from bitrix_bridge.history.source import Source, SourceError, SourceLostError, address
from tests.bitrix_bridge.history.conftest import unanswered
from tests.bitrix_bridge.history.tables import Schema

only_new = pytest.mark.parametrize("schema", [Schema.NEW])


def opened(site_copy, account):
    return Source(address(site_copy.url(account)))


@only_new
@pytest.mark.parametrize("account", ["reader", "writer", "role_reader"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE b_sale_order SET PRICE = 1",
        "INSERT INTO b_sale_status (ID) VALUES ('XX')",
        "DELETE FROM b_sale_order",
        "DROP TABLE b_file",
        "CREATE TABLE b_new (id int)",
    ],
)
def test_write_over_the_connection_is_refused_for_every_account(site_copy, account, statement):
    """The session is read-only for every account."""
    before = site_copy.execute("CHECKSUM TABLE b_sale_order, b_sale_status, b_file")
    with opened(site_copy, account) as source, pytest.raises(SourceError, match=r"1792|1142|1044|denied|READ ONLY"):
        list(source.query(statement))
    assert site_copy.execute("CHECKSUM TABLE b_sale_order, b_sale_status, b_file") == before


@only_new
def test_session_is_read_only_again_after_reconnect(site_copy):
    with opened(site_copy, "writer") as source:
        (session,) = site_copy.execute("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'writer'")[0]
        site_copy.execute(f"KILL {session}")
        with pytest.raises(SourceLostError):
            list(source.query("SELECT 1"))
        source.reconnect()
        assert source.number("SELECT 1") == 1
        with pytest.raises(SourceError, match="1792"):
            list(source.query("UPDATE b_sale_order SET PRICE = 1"))


@only_new
def test_server_that_ignores_read_only_raises_error(site_copy, monkeypatch):
    connect = pymysql.connect
    monkeypatch.setattr(source_module.pymysql, "connect", lambda **options: connect(**options | {"init_command": None}))
    with pytest.raises(SourceError):
        opened(site_copy, "reader")


@only_new
@pytest.mark.parametrize(
    ("account", "may"),
    [
        ("reader", []),
        ("writer", ["ALL PRIVILEGES ON `site_copy`.*"]),
        ("role_reader", ["INSERT ON `site_copy`.* (роль `inserting`)"]),
    ],
)
def test_write_privileges_of_each_account_are_listed_with_their_objects(site_copy, account, may):
    with opened(site_copy, account) as source:
        assert [str(right) for right in source.may_write()] == may


@pytest.fixture
def account_with(site_copy):
    """Return a function that opens the copy with an account that has these rights, each as in GRANT."""
    statements = ["DROP USER IF EXISTS other@localhost", "DROP ROLE IF EXISTS other_role"]
    elsewhere = "other_copy"

    def open_with(*rights):
        site_copy.execute(f"CREATE DATABASE IF NOT EXISTS {elsewhere}")
        site_copy.execute(f"CREATE TABLE IF NOT EXISTS {elsewhere}.b_user (ID int)")
        site_copy.execute("CREATE USER other@localhost IDENTIFIED BY 'pass:word'")
        site_copy.execute("CREATE ROLE other_role")
        for right in rights:
            what, _, option = right.partition(" WITH ")
            site_copy.execute(f"GRANT {what} TO other@localhost{' WITH ' + option if option else ''}")
        where = address(site_copy.url("reader").replace("reader:", "other:", 1))
        values = {name: getattr(where, name) for name in where.__slots__}
        return Source(type(where)(**values | {"password": "pass:word"}))

    yield open_with
    for statement in (*statements, f"DROP DATABASE IF EXISTS {elsewhere}"):
        site_copy.execute(statement)


READ = "SELECT ON site_copy.*"


@only_new
@pytest.mark.parametrize(
    ("rights", "may"),
    [
        ([READ], []),
        (["USAGE ON *.*", READ], []),
        (["SELECT ON site_copy.b_sale_order", "SELECT (ID, NAME) ON site_copy.b_user"], []),
        ([r"SELECT ON `site\_copy`.*", "ALL ON other_copy.*", "INSERT ON other_copy.b_user"], []),
        ([READ, "INSERT (NAME), SELECT (ID) ON site_copy.b_user"], ["INSERT (NAME) ON `site_copy`.`b_user`"]),
        (
            [READ, "UPDATE, DELETE ON site_copy.b_user"],
            [f"{name} ON `site_copy`.`b_user`" for name in ("DELETE", "UPDATE")],
        ),
        ([r"SELECT, DROP ON `site\_%`.*"], [r"DROP ON `site\_%`.*"]),
        ([READ, "EXECUTE ON *.*"], ["EXECUTE ON *.*"]),
        ([READ, "FILE ON *.*"], ["FILE ON *.*"]),
        ([READ, "INSERT ON mysql.*"], ["INSERT ON `mysql`.*"]),
        ([READ, "SELECT ON site_copy.b_user WITH GRANT OPTION"], ["GRANT OPTION ON `site_copy`.`b_user`"]),
        ([READ, "USAGE ON *.* WITH MAX_QUERIES_PER_HOUR 500000"], []),
    ],
    ids=str,
)
def test_only_rights_on_the_copy_count(account_with, rights, may):
    with account_with(*rights) as source:
        assert [str(right) for right in source.may_write()] == may
        assert all(right in source.warning() for right in may)
        assert (source.warning() == "") == (not may)


@only_new
def test_rights_of_a_role_that_is_not_active_count(site_copy, account_with):
    site_copy.execute("DROP ROLE IF EXISTS other_role")
    with account_with(READ) as source:
        site_copy.execute("GRANT UPDATE (NAME) ON site_copy.b_user TO other_role")
        site_copy.execute("GRANT DELETE ON other_copy.* TO other_role")
        site_copy.execute("GRANT other_role TO other@localhost")
        assert [str(right) for right in source.may_write()] == [
            "UPDATE (NAME) ON `site_copy`.`b_user` (роль `other_role`)"
        ]
        assert source.texts("SELECT CURRENT_ROLE()") == [("",)]


def test_missing_tables_and_columns_are_not_queried(source, schema):
    row = next(source.rows("b_sale_order_props_value", ["ID", "ENTITY_TYPE", "NO_SUCH_COLUMN"], limit=1))
    assert set(row) == ({"ID", "ENTITY_TYPE"} if schema is Schema.NEW else {"ID"})
    assert list(source.rows("b_no_such_table", ["ID"])) == []
    assert source.among("b_no_such_table", ["ID"], "ID", [1]) == []
    assert source.among("b_sale_order", ["ID"], "ID", []) == []


@only_new
def test_copy_without_the_table_of_orders_raises_error(mariadb, site_copy):
    site_copy.execute("DROP TABLE b_sale_order")
    with pytest.raises(SourceError, match="b_sale_order"):
        opened(site_copy, "reader")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgres://user:secret@host/db",
        "mysql://host/db",
        "mysql://user:secret@host/",
        "mysql://user:secret@host:port/db",
        "nonsense",
    ],
)
def test_invalid_address_raises_error_without_the_password(url):
    with pytest.raises(SourceError) as error:
        address(url)
    assert "secret" not in str(error.value)


def test_address_is_parsed_and_shows_no_password():
    where = address("mysql://us%40er:pa%2Fss@db.kz:3307/bit%20rix")
    assert (where.host, where.port, where.user, where.password, where.database) == (
        "db.kz",
        3307,
        "us@er",
        "pa/ss",
        "bit rix",
    )
    assert "pa/ss" not in f"{where} {where!r}"
    assert address("mariadb://u:p@localhost/b?unix_socket=/run/my.sock").unix_socket == "/run/my.sock"


def test_unreachable_server_raises_error_without_the_password(tmp_path):
    with unanswered():
        with pytest.raises(SourceError, match="MySQL") as error:
            Source(address(f"mysql://reader:hidden-word@localhost/b?unix_socket={tmp_path}/none"))
        assert "hidden-word" not in str(error.value)
        del error


@only_new
def test_wrong_password_raises_error(site_copy):
    with pytest.raises(SourceError, match="denied"):
        Source(address(site_copy.url("reader").replace("read%3Aer", "wrong")))
