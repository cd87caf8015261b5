"""The steps of the adoption that are complete, in a table beside the tables of the earlier CRM."""

import json
from typing import Any

from django.db import connection

from cvety_crm.adoption.database_kind import EARLIER_SCHEMA

JOURNAL = f"{EARLIER_SCHEMA}.adopted_tables"
MOVED = "moved"
"""The first step: the tables were moved."""
FINISHED = "finished"
"""The last step."""
_LOCK = 7_316_204
"""Any number: no other part of the CRM locks it."""


def create_journal() -> None:
    """Create the schema and its table of complete steps, which only the owner can read."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {EARLIER_SCHEMA}")
        cursor.execute(
            f"CREATE TABLE {JOURNAL} (step text PRIMARY KEY, rows bigint NOT NULL, details jsonb NOT NULL,"
            " done_at timestamptz NOT NULL DEFAULT now())"
        )
        cursor.execute(f"ALTER TABLE {JOURNAL} ENABLE ROW LEVEL SECURITY")


def lock_adoption() -> None:
    """Wait until no other process is in a step. The lock ends with the transaction, as a pooler requires.

    The time limits of Supabase's roles are for queries of an application, and a step may take longer.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def completed_steps() -> dict[str, dict[str, Any]]:
    """Return the details of the complete steps by name, or an empty dict before the adoption."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [JOURNAL])
        if not cursor.fetchone()[0]:
            return {}
        cursor.execute(f"SELECT step, details::text FROM {JOURNAL}")  # noqa: S608 - a constant
        return {step: json.loads(details) for step, details in cursor.fetchall()}


def record_step(step: str, rows: int, details: dict[str, Any]) -> None:
    """Record that a step is complete, in the transaction of the step."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {JOURNAL} (step, rows, details) VALUES (%s, %s, %s)",  # noqa: S608 - a constant
            [step, rows, json.dumps(details)],
        )
