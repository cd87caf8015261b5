"""Read the tables of a schema and their columns from PostgreSQL's catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

_TABLES = """
    SELECT c.relname, c.relkind::text, pg_get_userbyid(c.relowner) = current_user
    FROM pg_class c
    WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relname
"""
_COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum
"""
_POLICIES = """
    SELECT tablename, policyname FROM pg_policies
    WHERE schemaname = %s AND permissive = 'PERMISSIVE' AND roles && '{public,anon,authenticated}'::name[]
    ORDER BY tablename, policyname
"""
VIEW_KINDS = frozenset({"v", "m", "f"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type as PostgreSQL writes it, such as `character varying(50)`, and whether it may be null."""

    name: str
    type: str
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table or view of the database. Only the columns of tables are read."""

    name: str
    columns: Mapping[str, Column]
    is_ours: bool
    """Whether the CRM's role owns the table, so that it may move the table."""
    is_view: bool = False


def current_schema(connection: BaseDatabaseWrapper) -> str:
    """Return the schema in which tables are created, `public` unless the role is set up differently."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(cursor.fetchone()[0])


def stored_tables(connection: BaseDatabaseWrapper, schema: str) -> dict[str, StoredTable]:
    """Return the tables and views of a schema by name, without those of extensions. A missing schema has none."""
    columns: dict[str, dict[str, Column]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [schema])
        for table, name, kind, is_required in cursor.fetchall():
            columns.setdefault(table, {})[name] = Column(name, kind, is_required)
        cursor.execute(_TABLES, [schema])
        return {
            name: StoredTable(name, columns.get(name, {}), is_ours, kind in VIEW_KINDS)
            for name, kind, is_ours in cursor.fetchall()
        }


def row_count(connection: BaseDatabaseWrapper, schema: str, table: str) -> int:
    """Return the number of rows of a table."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {quote(schema)}.{quote(table)}")  # noqa: S608 - quoted names
        return int(cursor.fetchone()[0])


def open_policies(connection: BaseDatabaseWrapper, schema: str) -> list[tuple[str, str]]:
    """Return the policies, as table and name, that let the public key of Supabase past row level security."""
    with connection.cursor() as cursor:
        cursor.execute(_POLICIES, [schema])
        return list(cursor.fetchall())
