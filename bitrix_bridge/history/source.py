"""Read the copy of the site's database over a read-only session. Every value is read as a string, as PHP sends it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import pymysql
from django.conf import settings
from django.utils.translation import gettext
from pymysql import converters
from pymysql.cursors import SSCursor

from bitrix_bridge.history.encodings import decode
from bitrix_bridge.history.grants import Right, rights_to_change

CONNECT_SECONDS, READ_SECONDS = 10, 300
LOST = frozenset({0, 1053, 1927, 2006, 2013, 2014, 2055, 4031})
"""MySQL's error codes after which the connection is lost: closed by the client, server shutdown, connection killed,
server gone away, connection lost, commands out of sync, cursor protocol error, idle timeout."""

_ENCODERS: Any = {key: value for key, value in converters.conversions.items() if not isinstance(key, int)}


class SourceError(Exception):
    """The site's database copy can't be used. The message is for the user of the import and contains no password."""


class SourceLostError(SourceError):
    """The connection was lost. The same query may succeed over a new connection."""


class Row(dict[str, str | None]):
    """A row with column names in capitals as keys. `repaired` contains the columns whose bytes were not UTF-8."""

    __slots__ = ("repaired",)

    def __init__(self, values: Iterable[tuple[str, str | None]] = (), repaired: Sequence[str] = ()) -> None:
        super().__init__(values)
        self.repaired = tuple(repaired)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name as spelled in the database, and the maximum length in characters if it contains strings."""

    name: str
    length: int | None
    charset: str
    """The character set of strings, or an empty string for a column that contains none."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of the site's database copy. `str()` does not show the password."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    unix_socket: str | None = None

    def __str__(self) -> str:
        return f"{self.user}@{self.unix_socket or f'{self.host}:{self.port}'}/{self.database}"


def address(url: str) -> Address:
    """Read an address such as `mysql://user:password@host:3306/database?unix_socket=/path`.

    Raise `SourceError` if the address is empty or not valid.
    """
    if not url:
        raise SourceError(gettext("Set BITRIX_MYSQL_URL: where the MySQL copy of the site is."))
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError:
        parts, port = urlsplit(""), 0
    database = unquote(parts.path.strip("/"))
    if parts.scheme not in ("mysql", "mariadb") or not database or not parts.username:
        raise SourceError(gettext("BITRIX_MYSQL_URL must look like mysql://user:password@host:3306/database."))
    options = dict(parse_qsl(parts.query))
    return Address(
        host=parts.hostname or "localhost",
        port=port,
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        database=database,
        unix_socket=options.get("unix_socket") or options.get("socket"),
    )


class Source:
    """A connection to the site's database copy, which is a context manager.

    All methods raise `SourceError` if the database can't be reached or used.
    """

    def __init__(self, where: Address, *, timeout: int | None = None) -> None:
        """Connect. `timeout` is the maximum time to wait for the server, in seconds. The defaults are for an import."""
        self.where = where
        self._connect_seconds, self._read_seconds = timeout or CONNECT_SECONDS, timeout or READ_SECONDS
        self.tables: dict[str, dict[str, Column]] = {}
        self._connection = self._connect()
        self._read_columns()

    @classmethod
    def configured(cls, *, timeout: int | None = None) -> Self:
        """Connect to the address in `BITRIX_MYSQL_URL`."""
        return cls(address(settings.BITRIX_MYSQL_URL), timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, even in the middle of a query."""
        self._connection._force_close()

    def reconnect(self) -> None:
        """Connect again after `SourceLostError`."""
        self.close()
        self._connection = self._connect()

    # --- queries

    def has(self, table: str, column: str | None = None) -> bool:
        """Return whether the database has this table and, if `column` is given, this column in the table."""
        return table in self.tables and (column is None or column in self.tables[table])

    def keeps_emoji(self, table: str, column: str) -> bool:
        """Return whether this column can contain emoji, which MySQL's older character set `utf8` can't store."""
        return self.tables[table][column].charset in ("utf8mb4", "utf16", "utf32", "")

    def rows(
        self,
        table: str,
        columns: Iterable[str],
        where: str = "",
        values: Sequence[Any] = (),
        *,
        order: str = "",
        limit: int | None = None,
    ) -> Iterator[Row]:
        """Yield rows with the columns that exist in the database. Yield nothing if the table does not exist.

        `where` and `order` are SQL with `%s` for each of `values`. The caller must use only existing columns in them.
        """
        present = [name for name in columns if self.has(table, name)]
        if not present:
            return
        names = ", ".join(f"`{self.tables[table][name].name}`" for name in present)
        sql = f"SELECT {names} FROM `{table}`"  # noqa: S608 - names come from the database's list of columns
        sql += f" WHERE {where}" if where else ""
        sql += f" ORDER BY {order}" if order else ""
        sql += f" LIMIT {int(limit)}" if limit is not None else ""
        for line in self.query(sql, values):
            yield _row(present, line)

    def among(
        self, table: str, columns: Iterable[str], key: str, ids: Iterable[object], *, order: str = ""
    ) -> list[Row]:
        """Return the rows whose `key` is one of `ids`. No query is made if `ids` is empty."""
        wanted = list(ids)
        if not wanted or not self.has(table, key):
            return []
        marks = ", ".join(["%s"] * len(wanted))
        return list(self.rows(table, columns, f"`{key}` IN ({marks})", wanted, order=order))

    def query(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[bytes | None, ...]]:
        """Yield the rows of a query as bytes. Raise `SourceLostError` if the connection is lost."""
        with _named_errors(), self._connection.cursor(SSCursor) as cursor:
            cursor.execute(sql, list(values) or None)
            yield from cursor

    def texts(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[str, ...]]:
        """Return all rows of a query as strings, with '' for NULL. Use this method only for queries with few rows."""
        lines = list(self.query(sql, values))
        return [tuple((value or b"").decode("utf-8", "replace") for value in line) for line in lines]

    def number(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Return the number that the query selects. Return 0 if it selects NULL or no row."""
        return int(next(iter(self.texts(sql, values)), ("0",))[0] or 0)

    # --- privileges of the account

    def may_write(self) -> list[Right]:
        """Return the rights of the account, and of its roles, that allow a change of the database."""
        return rights_to_change(self._grants, self.where.database)

    def warning(self) -> str:
        """Return a warning for staff if the account may write; otherwise return an empty string."""
        if not (rights := self.may_write()):
            return ""
        return gettext("The account may change the copy: %(privileges)s.") % {"privileges": ", ".join(map(str, rights))}

    def _grants(self, role: str) -> list[str] | None:
        if not role:
            return self._lines("SHOW GRANTS")
        ways = (
            lambda: self._lines(f"SHOW GRANTS FOR {role}"),
            # MySQL shows an account that may not read the database mysql its own rights together with a role.
            lambda: self._lines(f"SHOW GRANTS FOR CURRENT_USER() USING {role}"),
            lambda: self._grants_while_active(role),
        )
        for show in ways:
            try:
                return show()
            except SourceLostError:
                raise
            except SourceError:
                continue
        return None

    def _grants_while_active(self, role: str) -> list[str]:
        """Return the rights with this role. MariaDB shows the rights of a role only while the role is active."""
        before = next(iter(self._lines("SELECT CURRENT_ROLE()")), "")
        self._lines(f"SET ROLE {role}")
        try:
            return self._lines("SHOW GRANTS")
        finally:
            self._lines(f"SET ROLE `{before.replace('`', '``')}`" if before else "SET ROLE NONE")

    def _lines(self, statement: str) -> list[str]:
        return [text for text, *_ in self.texts(statement)]

    # --- the connection

    def _connect(self) -> Any:
        with _named_errors():
            connection: Any = pymysql.connect(
                host=self.where.host,
                port=self.where.port,
                unix_socket=self.where.unix_socket,
                user=self.where.user,
                password=self.where.password,
                database=self.where.database,
                charset="utf8mb4",
                use_unicode=False,  # values are bytes, because a text in a wrong encoding must not end the run
                conv=_ENCODERS,
                autocommit=True,
                connect_timeout=self._connect_seconds,
                read_timeout=self._read_seconds,
                init_command="SET SESSION TRANSACTION READ ONLY",
                local_infile=False,
            )
            with connection.cursor() as cursor:
                # MySQL 8 and MariaDB 11 have the first name, older versions have the second name.
                cursor.execute(
                    "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_read_only', 'tx_read_only')"
                )
                if not any(value in (b"ON", b"1", "ON", "1") for _name, value in cursor.fetchall()):
                    connection.close()
                    raise SourceError(gettext("The server does not keep the session read-only."))
        return connection

    def _read_columns(self) -> None:
        sql = (
            "SELECT TABLE_NAME, COLUMN_NAME, CHARACTER_MAXIMUM_LENGTH, CHARACTER_SET_NAME "
            "FROM information_schema.COLUMNS "
            "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE %s"
        )
        for table, column, length, charset in self.texts(sql, ["b\\_%"]):
            found = Column(column, int(length) if length else None, charset or "")
            self.tables.setdefault(table, {})[column.upper()] = found
        if not self.has("b_sale_order", "ID"):
            message = gettext("There is no table b_sale_order in %(where)s, or the account may not read it.")
            raise SourceError(message % {"where": self.where})


def _row(names: Sequence[str], line: Sequence[bytes | None]) -> Row:
    values: list[tuple[str, str | None]] = []
    repaired = []
    for name, raw in zip(names, line, strict=True):
        if raw is None:
            values.append((name, None))
            continue
        text, is_repaired = decode(raw)
        values.append((name, text))
        if is_repaired:
            repaired.append(name)
    return Row(values, repaired)


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except (pymysql.err.OperationalError, pymysql.err.InterfaceError) as error:
        code = error.args[0] if error.args else 0
        kind = SourceLostError if code in LOST else SourceError
        raise kind(gettext("MySQL: %(message)s") % {"message": _message(error)}) from error
    except pymysql.err.MySQLError as error:
        raise SourceError(gettext("MySQL: %(message)s") % {"message": _message(error)}) from error


def _message(error: Exception) -> str:
    return ", ".join(str(argument) for argument in error.args) or type(error).__name__


def named(rows: Iterable[Row], key: str) -> Mapping[str, Row]:
    """Return a dictionary of rows with the values of a unique column as keys."""
    return {value: row for row in rows if (value := row.get(key)) is not None}


def grouped(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    """Return a dictionary of lists of rows with the values of a column as keys. Do not sort the rows."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.get(key) or "", []).append(row)
    return groups
