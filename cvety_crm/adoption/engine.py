"""Survey the earlier tables without writing, and adopt them step by step."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from psycopg.errors import LockNotAvailable

from cvety_crm.adoption.catalogue import StoredTable, current_schema, open_policies, row_count, stored_tables
from cvety_crm.adoption.comparison import ColumnDifference, compare_table
from cvety_crm.adoption.database_kind import EARLIER_SCHEMA, MIGRATIONS, DatabaseKind, database_kind, our_tables
from cvety_crm.adoption.journal import FINISHED, MOVED, completed_steps, lock_adoption, record_step
from cvety_crm.adoption.moving import move_tables
from cvety_crm.adoption.steps import Context, Options, Step, Tally

ORDERS = "orders"


class AdoptionError(Exception):
    """The database can't be adopted as it is. The message is one line for the owner."""


@dataclass(slots=True)
class Survey:
    """What the database contains, and what will become of each row."""

    counts: Mapping[str, int]
    """The number of rows of each earlier table."""
    moved: tuple[str, ...]
    """The tables that are moved, or were moved, because the CRM needs their names."""
    unread: tuple[str, ...]
    """The tables of which the CRM copies nothing."""
    differences: dict[str, list[ColumnDifference]] = field(default_factory=dict)
    tallies: list[tuple[Step, Tally]] = field(default_factory=list)
    policies: list[tuple[str, str]] = field(default_factory=list)
    """Policies that let Supabase's public key read tables which stay where they are."""

    @property
    def refusals(self) -> list[tuple[str, str, list[str]]]:
        """Return the reasons that stop the adoption: the table, the reason and the rows."""
        return [(step.table, reason, rows) for step, tally in self.tallies for reason, rows in tally.refused.items()]


def all_steps() -> list[Step]:
    """Return the steps in their sequence: a row is stored after the rows to which it refers."""
    return [import_string(path)() for path in settings.ADOPTION_STEPS]


def is_finished() -> bool:
    """Return whether the adoption was completed."""
    return FINISHED in completed_steps()


def survey(options: Options) -> Survey:
    """Return what will become of each row. The transaction is read-only.

    Raise `AdoptionError` if the database has no tables of the earlier CRM, or if they can't be moved.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
        schema = current_schema(connection)
        earlier, schemas = _earlier_tables(schema)
        moved = tuple(sorted(name for name in earlier if name in our_tables() or schemas[name] == EARLIER_SCHEMA))
        steps = all_steps()
        read = {step.table for step in steps}
        found = Survey(
            counts={name: row_count(connection, schemas[name], name) for name in earlier},
            moved=moved,
            unread=tuple(sorted(set(earlier) - read)),
            policies=[one for one in open_policies(connection, schema) if one[0] not in moved],
        )
        context = Context(earlier, schemas, options, is_applied=False)
        for step in steps:
            if step.table in earlier:
                # Of several steps, the last one has the model with the name of the table.
                found.differences[step.table] = compare_table(earlier[step.table], step.model, step.read)
            tally = step.run(context)
            context.details[step.name] = tally.details
            found.tallies.append((step, tally))
        return found


def apply(options: Options) -> Iterator[tuple[str, int]]:
    """Adopt the database, and yield the title and the number of new rows of each step that this call completes.

    Raise `AdoptionError` if a row is refused; the steps before it stay complete. The caller has shown the survey.
    """
    earlier, schemas = _earlier_tables(current_schema(connection))
    try:
        _move(earlier, schemas)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        raise AdoptionError(gettext("Another program uses the tables. Stop the earlier CRM, then try again.")) from None
    call_command("migrate", interactive=False, verbosity=0)
    yield gettext("tables of the CRM"), len(our_tables())
    for step in all_steps():
        if (rows := _complete(step.name, lambda step=step: _run(step, options))) is not None:  # type: ignore[misc]
            yield str(step.title), rows
    for path in settings.ADOPTION_FINISHERS:
        import_string(path)()
    _complete(FINISHED, lambda: Tally())


def _move(earlier: Mapping[str, StoredTable], schemas: Mapping[str, str]) -> None:
    ours = our_tables()
    move_tables(table for name, table in earlier.items() if name in ours and schemas[name] != EARLIER_SCHEMA)


def _complete(name: str, run: Callable[[], Tally]) -> int | None:
    """Run a step and record it, in one transaction. Return its number of new rows, or None if it was complete."""
    with transaction.atomic():
        lock_adoption()
        if name in completed_steps():
            return None
        tally = run()
        for reason, rows in tally.refused.items():
            raise AdoptionError(f"{name}: {reason}: {', '.join(rows[:5])}")
        record_step(name, tally.stored, tally.details)
        return tally.stored


def _run(step: Step, options: Options) -> Tally:
    earlier, schemas = _earlier_tables(current_schema(connection))
    context = Context(earlier, schemas, options, is_applied=True)
    context.details = completed_steps()
    return step.run(context)


def _earlier_tables(schema: str) -> tuple[dict[str, StoredTable], dict[str, str]]:
    """Return the tables of the earlier CRM, and the schema in which each is now.

    Raise `AdoptionError` if there are none, or if one of them can't be moved.
    """
    present = stored_tables(connection, schema)
    done = completed_steps()
    if MOVED in done:
        moved = {
            name: table
            for name, table in stored_tables(connection, EARLIER_SCHEMA).items()
            if name in done[MOVED]["tables"]
        }
        others = {name: table for name, table in present.items() if name not in our_tables() and not table.is_view}
        return moved | others, dict.fromkeys(others, schema) | dict.fromkeys(moved, EARLIER_SCHEMA)
    _check_kind(present)
    for name in sorted(our_tables() & present.keys()):
        if present[name].is_view:
            raise AdoptionError(gettext("“%(table)s” is a view. Rename it first.") % {"table": name})
        if not present[name].is_ours:
            raise AdoptionError(
                gettext("Table %(table)s belongs to another role. Use the account in DATABASE_URL that owns it.")
                % {"table": name}
            )
    tables = {name: table for name, table in present.items() if not table.is_view}
    return tables, dict.fromkeys(tables, schema)


def _check_kind(present: Mapping[str, StoredTable]) -> None:
    kind = database_kind(connection)
    if kind is DatabaseKind.EMPTY:
        raise AdoptionError(gettext("The database is empty. Run manage.py migrate."))
    if kind is DatabaseKind.OURS:
        raise AdoptionError(gettext("The database is the CRM's own already. There is nothing to adopt."))
    if ORDERS not in present or MIGRATIONS in present:
        raise AdoptionError(gettext("The database is not that of the shop's earlier CRM."))
