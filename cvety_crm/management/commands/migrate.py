"""`manage.py migrate`, which does not touch the database of another program."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.utils.translation import gettext

from cvety_crm.adoption.catalogue import current_schema, stored_tables
from cvety_crm.adoption.database_kind import DatabaseKind, database_kind
from cvety_crm.ops.row_level_security import protect_tables

MOST_NAMED = 5


class Command(migrate.Command):
    """Django's command, with two steps before its system checks."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Raise `CommandError` if the tables are those of another program. Protect tables that were added by hand.

        The system checks would fail for a table without row level security, and tell the owner to run this command.
        """
        connection = connections[options["database"]]
        kind = database_kind(connection)
        if kind is DatabaseKind.FOREIGN:
            raise CommandError(_refusal(sorted(stored_tables(connection, current_schema(connection)))))
        if kind is DatabaseKind.OURS:
            protect_tables(connection)
        return super().execute(*args, **options)


def _refusal(names: list[str]) -> str:
    named = ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
    return gettext(
        "The database has tables of another program (%(tables)s). If they are those of the shop's earlier CRM, run"
        " manage.py adopt_supabase; otherwise use an empty database."
    ) % {"tables": named}
