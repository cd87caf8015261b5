"""`manage.py restore` restores a backup into an empty installation."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext

from cvety_crm.backup.errors import BackupError
from cvety_crm.backup.restoring import restore_backup


class Command(BaseCommand):
    """Restore the database and the uploaded files from a file. Nothing that exists is overwritten."""

    help = "Restore a backup into the empty database of DATABASE_URL and the empty folder MEDIA_ROOT."
    requires_system_checks = []  # The database is empty.

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the file and the key."""
        parser.add_argument("file", type=Path, help="A file of `manage.py backup`; see --list and --fetch there.")
        parser.add_argument("--identity", metavar="FILE", type=Path, help="The secret key of age.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore the backup. Raise `CommandError` with one line if it can't be restored."""
        try:
            manifest = restore_backup(options["file"], options["identity"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            gettext("Restored as of %(time)s: rows: %(rows)d, files: %(files)d. Now run manage.py migrate.")
            % {"time": manifest.created_at, "rows": sum(manifest.rows.values()), "files": manifest.files}
        )
