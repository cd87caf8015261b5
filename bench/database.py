"""The database of the benchmark on the private PostgreSQL. It is created at the start and dropped at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from cvety_crm.dev import embedded_postgres

NAME = "cvety_bench"
_LOCK = 0x62656E6368  # "bench"


@contextmanager
def fresh_database() -> Iterator[str]:
    """Yield the URL of an empty database. Raise `SystemExit` if another benchmark runs on this PostgreSQL."""
    # The maintenance database always exists. This connection also holds the lock.
    maintenance = embedded_postgres.database_url(database="postgres")
    try:
        with psycopg.connect(conninfo(maintenance), autocommit=True) as connection:
            locked = connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
            if locked != (True,):
                raise SystemExit("Another benchmark is running on this PostgreSQL; they would slow each other down.")
            _drop(connection)
            try:
                yield embedded_postgres.database_url(database=NAME)
            finally:
                _drop(connection)
    finally:
        embedded_postgres.release()


@contextmanager
def second_database(name: str) -> Iterator[str]:
    """Yield the URL of another empty database, for use inside `fresh_database`."""
    maintenance = embedded_postgres.database_url(database="postgres")
    with psycopg.connect(conninfo(maintenance), autocommit=True) as connection:
        _drop(connection, name)
        try:
            yield embedded_postgres.database_url(database=name)
        finally:
            _drop(connection, name)


def _drop(connection: psycopg.Connection, name: str = NAME) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def conninfo(url: str) -> str:
    """Return the connection string for libpq. The URL itself is only for django-environ.

    libpq does not accept the socket's folder in the part of the URL where django-environ expects it.
    """
    from environ import Env

    config = Env.db_url_config(url)
    return psycopg.conninfo.make_conninfo(
        host=config["HOST"], port=config["PORT"], user=config["USER"], dbname=config["NAME"]
    )
