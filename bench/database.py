"""A database of the bench's own on the private PostgreSQL: made anew, dropped afterwards. No other one is touched."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from cvety_crm.dev import embedded_postgres

NAME = "cvety_bench"
_LOCK = 0x62656E6368  # "bench"


@contextmanager
def fresh_database() -> Iterator[str]:
    """Yield the address of an empty database. Exits with one line when another bench is at work on this PostgreSQL."""
    # The maintenance database is always there; this connection also holds the lock.
    maintenance = embedded_postgres.database_url(database="postgres")
    try:
        with psycopg.connect(_for_psycopg(maintenance), autocommit=True) as connection:
            taken = connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
            if taken != (True,):
                raise SystemExit("Another bench is running on this PostgreSQL; two would only measure each other.")
            _drop(connection)
            try:
                yield embedded_postgres.database_url(database=NAME)
            finally:
                _drop(connection)
    finally:
        embedded_postgres.release()


def _drop(connection: psycopg.Connection) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(NAME)))


def _for_psycopg(url: str) -> str:
    """Return the address in libpq's way: django-environ's has the socket's folder where libpq has the database."""
    from environ import Env

    config = Env.db_url_config(url)
    return psycopg.conninfo.make_conninfo(
        host=config["HOST"], port=config["PORT"], user=config["USER"], dbname=config["NAME"]
    )
