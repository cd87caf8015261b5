"""The end of a test with real transactions: the database gets the rows back that it had before the first test.

Django's `flush` truncates all tables and sends `post_migrate`, which inserts content types, permissions, roles and
reference data again. That takes a second on a busy machine. Here only the tables that have other rows are emptied, and
the rows of a new database are copied back.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg import sql

# A loop in the server takes one request for all tables.
_EMPTY = """
DO $$
DECLARE
  found text;
  has_rows boolean;
BEGIN
  FOREACH found IN ARRAY {names}
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', found) INTO has_rows;
    IF has_rows THEN EXECUTE format('DELETE FROM %I', found); END IF;
  END LOOP;
END $$
"""


def stored_rows() -> dict[str, bytes]:
    """Return the rows of each table, in PostgreSQL's own format."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        return {name: _rows(cursor, name) for name in names}


def _rows(cursor: Any, table: str) -> bytes:
    with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)


def restore(rows: dict[str, bytes]) -> None:
    """Give each table these rows. Foreign keys are not checked, so any sequence of tables will do."""
    with transaction.atomic(), connection.cursor() as cursor:
        # This waits for transactions of the live server that have not ended.
        cursor.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(_names(rows)))
        cursor.execute("SET LOCAL session_replication_role = replica")
        changed = [name for name, content in rows.items() if content and _rows(cursor, name) != content]
        emptied = [*changed, *(name for name, content in rows.items() if not content)]
        names = sql.SQL("ARRAY[{}]").format(sql.SQL(", ").join(map(sql.Literal, emptied)))
        cursor.execute(sql.SQL(_EMPTY).format(names=names))
        for name in changed:
            with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy:
                copy.write(rows[name])


def _names(rows: dict[str, bytes]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, rows))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Replace the flush at the end of each test with real transactions."""
    with django_db_blocker.unblock():
        rows = stored_rows()
        connection.close()

    def tear_down(self: TransactionTestCase) -> None:
        restore(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", tear_down)
        yield
