"""`manage.py adopt_supabase` turns the database of the shop's earlier CRM into that of the CRM."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext

from cvety_crm.adoption.engine import AdoptionError, apply, is_finished, survey
from cvety_crm.adoption.report import report_lines
from cvety_crm.adoption.steps import Options
from cvety_crm.backup.errors import BackupError
from cvety_crm.backup.postgres import dump_database


class Command(BaseCommand):
    """Show what would become of each table and row, or adopt the database."""

    help = (
        "Adopt the database of the shop's earlier CRM. Without --apply nothing is written: the report shows what will"
        " become of each table, column and row. --apply can be repeated; it continues where it was interrupted."
    )
    requires_system_checks = []  # The check of row level security fails for the earlier tables.

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what the owner decides."""
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--check", action="store_true", help="Only show the report (the default).")
        mode.add_argument("--apply", action="store_true", help="Adopt the database.")
        parser.add_argument("--backup", metavar="FILE", help="First dump the whole database into this new file.")
        parser.add_argument("--without-backup", action="store_true", help="There is a backup already.")
        parser.add_argument(
            "--status",
            action="append",
            default=[],
            metavar="WORD=CODE",
            help="Our status, or the site's code, for a status of the earlier CRM. Repeat it for each word.",
        )
        parser.add_argument(
            "--duplicates",
            choices=["refuse", "newest"],
            default="refuse",
            help="Whether the newest of several rows with one id of the site keeps it. All rows are kept.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the report, and adopt the database if --apply is given. Raise `CommandError` if it can't be done."""
        if options["apply"] and not (options["backup"] or options["without_backup"]):
            raise CommandError(gettext("Add --backup FILE, or --without-backup if there is a backup already."))
        decided = Options(_statuses(options["status"]), keeps_newest=options["duplicates"] == "newest")
        try:
            if is_finished():
                self.stdout.write(gettext("The database was adopted already. Nothing was changed."))
                return
            found = survey(decided)
            for line, is_heading in report_lines(found):
                self.stdout.write(self.style.MIGRATE_HEADING(line) if is_heading else line)
            if found.refusals:
                raise CommandError(gettext("The database can't be adopted yet. Nothing was changed."))
            self.stdout.write("")
            if not options["apply"]:
                self.stdout.write(
                    gettext("Nothing was changed. To adopt: manage.py adopt_supabase --apply --backup FILE")
                )
                return
            self._apply(decided, options["backup"])
        except (AdoptionError, BackupError) as error:
            raise CommandError(str(error)) from error

    def _apply(self, decided: Options, backup: str | None) -> None:
        if backup:
            dump_database(Path(backup))
            self.stdout.write(gettext("Backup: %(file)s") % {"file": backup})
        for title, rows in apply(decided):
            self.stdout.write(f"  {rows:>9}  {title}")
        self.stdout.write(self.style.SUCCESS(gettext("The database is adopted.")))
        self.stdout.write(gettext("The earlier tables are kept in the schema earlier_crm. Next: docs/adoption.md"))


def _statuses(given: list[str]) -> dict[str, str]:
    found = {}
    for one in given:
        word, separator, code = one.partition("=")
        if not separator or not code.strip():
            raise CommandError(gettext("--status needs WORD=CODE, such as --status packed=assembled."))
        found[word.strip()] = code.strip()
    return found
