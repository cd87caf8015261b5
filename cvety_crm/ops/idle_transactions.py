"""End the transaction of a process that is stopped or hangs in the middle of it.

PostgreSQL keeps the locks of such a transaction as long as the connection is open, and a stopped process never closes
it. The limit is a setting of the database role, because a pooler in transaction mode refuses settings of a session.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from cvety_crm.outbox.engine import LEASE

LIMIT = LEASE
"""The longest time without a statement in a transaction. After its lease an outbox entry belongs to another worker."""
_SETTING = "idle_in_transaction_session_timeout"
_CURRENT = "SELECT setting::bigint FROM pg_settings WHERE name = %s"


def current_limit(connection: BaseDatabaseWrapper) -> int:
    """Return the limit of this connection in milliseconds, or 0 if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_CURRENT, [_SETTING])
        return int(cursor.fetchone()[0])


def on_post_migrate(using: str, **_kwargs: Any) -> None:
    """Set the limit for new connections, if this database has none. A limit that somebody has set is kept."""
    connection = connections[using]
    if current_limit(connection):
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        database = connection.ops.quote_name(cursor.fetchone()[0])
        cursor.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {database} SET {_SETTING} = '{LIMIT.seconds}s'")
        cursor.execute(f"SET {_SETTING} = '{LIMIT.seconds}s'")


def check_limit(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Return a warning for a database without the limit (`check --database default`), unless it is still empty."""
    return [
        Warning(
            f"A process that is stopped in a transaction keeps its locks: {_SETTING} is 0.",
            hint="Run manage.py migrate, and restart the pooler if there is one.",
            id="cvety_crm.W002",
        )
        for alias in databases or []
        if not current_limit(connections[alias]) and _has_tables(connections[alias])
    ]


def _has_tables(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        return bool(cursor.fetchone()[0])
