"""Enable row level security on every table, without a policy.

On Supabase every table of the public schema can be read with the public API key unless row level security is on.
The CRM connects as the owner of the tables, and row level security does not affect the owner.
"""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_UNPROTECTED = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace
      AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
      AND pg_get_userbyid(c.relowner) = current_user
    ORDER BY c.relname
"""


def unprotected_tables(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the CRM's tables that have no row level security."""
    with connection.cursor() as cursor:
        cursor.execute(_UNPROTECTED)
        return [name for (name,) in cursor.fetchall()]


def protect_tables(connection: BaseDatabaseWrapper) -> list[str]:
    """Enable row level security on every table that does not have it, and return the names of these tables."""
    tables = unprotected_tables(connection)
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} ENABLE ROW LEVEL SECURITY")
    return tables


def on_post_migrate(using: str, **_kwargs: Any) -> None:
    """Protect the tables that migrations have added, including tables of libraries."""
    protect_tables(connections[using])


def check_tables(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Return an error for each table without row level security (`check --database default`)."""
    return [
        Error(
            f"Table {table} has no row level security: on Supabase anyone with the public key can read it.",
            hint="Run manage.py migrate.",
            id="cvety_crm.E002",
        )
        for alias in databases or []
        for table in unprotected_tables(connections[alias])
    ]
