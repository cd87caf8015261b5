"""The databases of a test shop: an SQLite file, or a database of a real MariaDB server.

Both return values in the types of Bitrix's own connection: decimals as strings with all their digits, and dates as
strings.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path
from typing import Any, Protocol

from pymysql.constants import CLIENT, FIELD_TYPE
from pymysql.converters import conversions

from tests.bitrix_bridge.php import schema
from tests.mariadb import Server

Row = dict[str, Any]


class ShopDatabase(Protocol):
    """The interface of a test shop's database."""

    def environment(self) -> dict[str, str]:
        """Return the environment variables that configure the fake Bitrix classes for this database."""

    def fill(self, rows: dict[str, list[Row]]) -> None:
        """Create the tables and insert the rows."""

    def rows(self, sql: str, values: tuple[Any, ...]) -> list[Row]:
        """Return the rows of a query. Each `?` in the query is replaced by the next value."""

    def execute(self, sql: str, values: tuple[Any, ...]) -> None:
        """Change the database directly, without Bitrix. MariaDB does not use strict mode for this."""

    def tables(self) -> list[str]:
        """Return the names of all tables."""

    def columns(self, table: str) -> list[str]:
        """Return the names of the columns of a table, in the sequence of its definition."""


class SqliteDatabase:
    """A test shop's database in an SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def environment(self) -> dict[str, str]:
        """Return the environment variables that configure the fake Bitrix classes for SQLite."""
        return {"FAKE_ENGINE": "sqlite", "FAKE_DATABASE": str(self.path)}

    def fill(self, rows: dict[str, list[Row]]) -> None:
        with self._connected() as connection:
            connection.executescript(f"PRAGMA journal_mode = WAL;{schema.sqlite_schema()}")
            for table, some in rows.items():
                for sql, values in _inserts(table, some, "?"):
                    connection.executemany(sql, values)

    def rows(self, sql: str, values: tuple[Any, ...]) -> list[Row]:
        with self._connected() as connection:
            return [dict(row) for row in connection.execute(sql, values)]

    def execute(self, sql: str, values: tuple[Any, ...]) -> None:
        """Change the database directly, without Bitrix."""
        with self._connected() as connection:
            connection.execute(sql, values)

    def tables(self) -> list[str]:
        return [row["name"] for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'", ())]

    def columns(self, table: str) -> list[str]:
        return [row["name"] for row in self.rows("SELECT name FROM pragma_table_info(?)", (table,))]

    @contextlib.contextmanager
    def _connected(self) -> Any:
        connection = sqlite3.connect(self.path, timeout=10, detect_types=sqlite3.PARSE_DECLTYPES)
        connection.row_factory = sqlite3.Row
        try:
            with connection:
                yield connection
        finally:
            connection.close()


class MariaDatabase:
    """A test shop's database on a MariaDB server that the tests have started."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._name = name
        with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        self._connection = server.connect(name)
        self._connection.decoders = _AS_TEXT

    def environment(self) -> dict[str, str]:
        """Return the environment variables that configure the fake Bitrix classes for MariaDB."""
        return {
            "FAKE_ENGINE": "mariadb",
            "FAKE_DATABASE": self._name,
            "FAKE_SOCKET": str(self._server.socket),
        }

    def fill(self, rows: dict[str, list[Row]]) -> None:
        connection = self._server.connect(self._name, client_flag=CLIENT.MULTI_STATEMENTS)
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(schema.mariadb_schema())
            while cursor.nextset():
                pass
            for table, some in rows.items():
                for sql, values in _inserts(table, some, "%s"):
                    cursor.executemany(sql, values)

    def rows(self, sql: str, values: tuple[Any, ...]) -> list[Row]:
        with self._connection.cursor() as cursor:
            cursor.execute(_with_percent_marks(sql), values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def execute(self, sql: str, values: tuple[Any, ...]) -> None:
        """Change the database directly, without Bitrix and without strict mode."""
        with self._connection.cursor() as cursor:
            cursor.execute(_with_percent_marks(sql), values)

    def tables(self) -> list[str]:
        return [name for row in self.rows("SHOW TABLES", ()) for name in row.values()]

    def columns(self, table: str) -> list[str]:
        return [row["Field"] for row in self.rows(f"SHOW COLUMNS FROM `{table}`", ())]

    def drop(self) -> None:
        """Delete the database."""
        self.execute(f"DROP DATABASE `{self._name}`", ())
        self._connection.close()


def _inserts(table: str, rows: list[Row], mark: str) -> list[tuple[str, list[list[Any]]]]:
    """Return one INSERT for each set of columns, with the values of all rows that have these columns."""
    groups: dict[tuple[str, ...], list[list[Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row), []).append(list(row.values()))
    return [
        (
            f"INSERT INTO `{table}` ({', '.join(f'`{name}`' for name in columns)})"
            f" VALUES ({', '.join([mark] * len(columns))})",
            values,
        )
        for columns, values in groups.items()
    ]


def _with_percent_marks(sql: str) -> str:
    """Return the statement with PyMySQL's `%s` in place of each `?` outside of quoted strings."""
    parts = re.split(r"('(?:[^']|'')*')", sql.replace("%", "%%"))
    return "".join(part if part.startswith("'") else part.replace("?", "%s") for part in parts)


def _number(decimals: int) -> Any:
    return lambda value: f"{float(value):.{decimals}f}"


def _shortest(value: bytes) -> str:
    return f"{float(value):.15g}"


for _name in schema.DECIMALS.values():
    sqlite3.register_converter(_name, _number(int(_name[-1])))
sqlite3.register_converter("double", _shortest)

_TEXT_TYPES = {
    FIELD_TYPE.DECIMAL,
    FIELD_TYPE.NEWDECIMAL,
    FIELD_TYPE.DOUBLE,
    FIELD_TYPE.FLOAT,
    FIELD_TYPE.DATETIME,
    FIELD_TYPE.TIMESTAMP,
    FIELD_TYPE.DATE,
}
_AS_TEXT: Any = {kind: reader for kind, reader in conversions.items() if kind not in _TEXT_TYPES}
