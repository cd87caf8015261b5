"""Restore a backup into an empty installation, or into a database that is deleted again, as a drill."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext
from psycopg import Error as PsycopgError
from psycopg import sql

from cvety_crm.adoption.catalogue import stored_tables
from cvety_crm.backup.archive import DUMP, MEDIA, Manifest, open_archive
from cvety_crm.backup.encryption import decrypt
from cvety_crm.backup.errors import BackupError
from cvety_crm.backup.postgres import SCHEMAS, count_rows, open_connection, restore_database
from cvety_crm.backup.retention import sorted_backups
from cvety_crm.backup.stores import configured_store
from cvety_crm.masking import truncate_masked
from cvety_crm.models import Heartbeat

DRILL = "backup drill"
"""The name of the heartbeat with the time of the last successful drill."""


def restore_backup(file: Path, identity: Path | None) -> Manifest:
    """Restore the database and the uploaded files from a file.

    Raise `BackupError`, before anything is written, if the database has tables or MEDIA_ROOT
    has files.
    """
    if any(stored_tables(connection, schema) for schema in SCHEMAS):
        raise BackupError(gettext("The database is not empty. A backup is only restored into an empty one."))
    media = Path(settings.MEDIA_ROOT)
    if media.is_dir() and any(media.iterdir()):
        raise BackupError(gettext("The folder %(folder)s is not empty.") % {"folder": media})
    with _opened(file, identity) as (folder, manifest):
        restore_database(folder / DUMP)
        _compare(manifest, None)
        if (folder / MEDIA).is_dir():
            try:
                shutil.copytree(folder / MEDIA, media, dirs_exist_ok=True)
            except (OSError, shutil.Error) as error:
                raise BackupError(truncate_masked(str(error), 300)) from None
    return manifest


def run_drill(identity: Path | None) -> tuple[str, Manifest]:
    """Restore the latest backup into a new database, compare its rows with the manifest, and delete the database.

    Return the name of the backup and its manifest. Raise `BackupError` if it can't be
    restored as it was.
    """
    store = configured_store()
    names = sorted_backups(store.names())
    if not names:
        raise BackupError(gettext("There is no backup yet."))
    with tempfile.TemporaryDirectory(prefix="cvety-drill-") as temporary:
        file = Path(temporary) / names[0]
        store.get(names[0], file)
        with _opened(file, identity) as (folder, manifest), _scratch_database() as database:
            restore_database(folder / DUMP, database)
            _compare(manifest, database)
    Heartbeat.beat(DRILL)
    return names[0], manifest


@contextmanager
def _opened(file: Path, identity: Path | None) -> Iterator[tuple[Path, Manifest]]:
    """Yield the folder with the contents of a backup, and its manifest. The folder is deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="cvety-restore-") as temporary:
        folder, plain = Path(temporary) / "contents", file
        folder.mkdir(mode=0o700)
        if file.suffix == ".age":
            plain = Path(temporary) / "backup.tar"
            decrypt(file, plain, identity)
        yield folder, open_archive(plain, folder)


def _compare(manifest: Manifest, database: str | None) -> None:
    with open_connection(database) as opened:
        found = count_rows(opened)
    different = sorted(name for name in manifest.rows | found if manifest.rows.get(name) != found.get(name))
    if different:
        raise BackupError(
            gettext("After the restore these tables have other rows: %(tables)s")
            % {"tables": ", ".join(different[:10])}
        )


@contextmanager
def _scratch_database() -> Iterator[str]:
    name = f"cvety_drill_{secrets.token_hex(6)}"
    try:
        with open_connection(autocommit=True) as opened:
            opened.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    except PsycopgError as error:
        raise BackupError(
            gettext("The drill can't create a database: %(error)s")
            % {"error": truncate_masked(str(error), 200).strip()}
        ) from None
    try:
        yield name
    finally:
        with open_connection(autocommit=True) as opened:
            opened.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
