"""`manage.py check_source` prints what the site's database copy contains and what an import would not understand."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext

from bitrix_bridge.history import survey
from bitrix_bridge.history.source import Source, SourceError
from bitrix_bridge.history.survey import Counted


class Command(BaseCommand):
    """Query the site's database copy and print the result. Nothing is written."""

    help = (
        "Show what the MySQL copy of Bitrix in BITRIX_MYSQL_URL contains: versions, tables, orders by status and "
        "month, and what import_bitrix_orders would not understand. Exit status 1 if the copy can't be used."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print everything that can be counted without an import. Raise `CommandError` if MySQL can't be used."""
        try:
            with Source.configured() as source:
                self._show(source)
        except SourceError as error:
            raise CommandError(str(error)) from error

    def _show(self, source: Source) -> None:
        self.stdout.write(gettext("Copy: %(where)s") % {"where": source.where})
        self.stdout.write(gettext("Server: %(version)s") % {"version": survey.server_version(source)})
        self.stdout.write(gettext("Tables look like: %(version)s") % {"version": survey.site_version(source)})
        if warning := source.warning():
            self.stdout.write(self.style.WARNING(warning))
        else:
            self.stdout.write(gettext("The account may only read, and the session is read-only."))
        self._section(gettext("Tables"), survey.tables(source))
        self._section(gettext("Orders by status"), survey.by_status(source))
        self._section(gettext("Orders by month"), survey.by_month(source))
        self._section(gettext("Left out"), survey.left_out(source))
        self._section(gettext("Not understood, or only in part"), survey.not_understood(source))
        self.stdout.write("")
        self.stdout.write(gettext("What would become of each order: manage.py import_bitrix_orders --dry-run"))

    def _section(self, title: str, rows: Iterable[Counted]) -> None:
        self.stdout.write("")
        self.stdout.write(self.style.MIGRATE_HEADING(title))
        found = list(rows)
        for row in found:
            note = f"  — {row.note}" if row.note else ""
            self.stdout.write(f"  {row.number:>9}  {row.what}{note}")
        if not found:
            self.stdout.write("  " + gettext("nothing"))
