"""Move the tables of the earlier CRM whose names the CRM needs."""

from collections.abc import Iterable

from django.db import connection, transaction

from cvety_crm.adoption.catalogue import StoredTable, current_schema
from cvety_crm.adoption.database_kind import EARLIER_SCHEMA
from cvety_crm.adoption.journal import MOVED, completed_steps, create_journal, lock_adoption, record_step
from cvety_crm.ops.row_level_security import protect_tables

LOCK_SECONDS = 10
"""How long the tables are waited for. A transaction of the earlier CRM may use them."""


def move_tables(tables: Iterable[StoredTable]) -> None:
    """Move these tables unless they were moved already, and enable row level security on all tables.

    This is one transaction, and takes no longer with many rows. Foreign keys, indexes, views and triggers follow the
    tables. Raise `OperationalError` if another program uses a table for too long.
    """
    quote = connection.ops.quote_name
    with transaction.atomic():
        lock_adoption()
        if MOVED in completed_steps():
            return
        schema = current_schema(connection)
        create_journal()
        moved = [table.name for table in tables]
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            protect_tables(connection)
            for name in moved:
                cursor.execute(f"ALTER TABLE {quote(schema)}.{quote(name)} SET SCHEMA {EARLIER_SCHEMA}")
        record_step(MOVED, len(moved), {"tables": moved})
