"""`manage.py backup` creates a backup, lists them, or proves that the latest one restores."""

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.alerts import Alert, raise_alert
from cvety_crm.backup.encryption import is_encrypted
from cvety_crm.backup.errors import BackupError
from cvety_crm.backup.restoring import DRILL, run_drill
from cvety_crm.backup.retention import moment_of, sorted_backups
from cvety_crm.backup.running import create_backup
from cvety_crm.backup.stores import configured_store
from cvety_crm.models import Heartbeat

DRILL_EVERY = timedelta(days=7)


class Command(BaseCommand):
    """Create a backup in BACKUP_TARGET."""

    help = "Back up the database, the uploaded files and the settings without secrets to BACKUP_TARGET."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what to do instead of a backup."""
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--drill", action="store_true", help="Restore the latest backup into a scratch database.")
        mode.add_argument("--list", action="store_true", help="List the backups, the newest first.")
        mode.add_argument("--fetch", metavar="NAME", help="Copy a stored backup into the current folder.")
        mode.add_argument("--scheduled", action="store_true", help="Used by the worker: report a failure as an alert.")
        parser.add_argument("--identity", metavar="FILE", type=Path, help="The secret key of age, for --drill.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the options say. Raise `CommandError` with one line if it fails."""
        try:
            self._run(options)
        except BackupError as error:
            if options["scheduled"]:
                with transaction.atomic():
                    raise_alert(Alert(title=gettext("The backup has failed"), text=str(error)))
            raise CommandError(str(error)) from error

    def _run(self, options: dict[str, Any]) -> None:
        if options["list"]:
            for name in sorted_backups(configured_store().names()):
                self.stdout.write(name)
        elif options["fetch"]:
            self._fetch(options["fetch"])
        elif options["drill"]:
            self._drill(options["identity"])
        else:
            self._back_up()
            if options["scheduled"] and not is_encrypted() and _is_drill_due():
                self._drill(None)

    def _fetch(self, name: str) -> None:
        if moment_of(name) is None:
            raise CommandError(gettext("This is not the name of a backup. See --list."))
        configured_store().get(name, Path(name))
        self.stdout.write(name)

    def _back_up(self) -> None:
        done = create_backup()
        self.stdout.write(
            gettext("%(name)s: %(size)d KB, rows: %(rows)d, files: %(files)d, outdated and deleted: %(deleted)d")
            % {
                "name": done.name,
                "size": done.size // 1024,
                "rows": sum(done.manifest.rows.values()),
                "files": done.manifest.files,
                "deleted": done.deleted,
            }
        )

    def _drill(self, identity: Path | None) -> None:
        name, manifest = run_drill(identity)
        self.stdout.write(
            gettext("%(name)s restores: tables: %(tables)d, rows: %(rows)d, files: %(files)d")
            % {
                "name": name,
                "tables": len(manifest.rows),
                "rows": sum(manifest.rows.values()),
                "files": manifest.files,
            }
        )


def _is_drill_due() -> bool:
    last = Heartbeat.last(DRILL)
    return last is None or timezone.now() - last >= DRILL_EVERY
