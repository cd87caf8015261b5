"""Create a backup and delete those that are outdated."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from cvety_crm.backup.archive import Manifest, create_archive
from cvety_crm.backup.encryption import encrypt, is_encrypted
from cvety_crm.backup.retention import Kept, name_of, outdated
from cvety_crm.backup.stores import configured_store
from cvety_crm.env_file import BASE_DIR
from cvety_crm.models import Heartbeat

BACKUP = "backup"
"""The name of the heartbeat with the time of the last complete backup."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A complete backup."""

    name: str
    size: int
    """The size of the file in bytes."""
    manifest: Manifest
    deleted: int
    """The number of outdated backups that were deleted."""


def create_backup() -> Backup:
    """Create a backup, store it, and delete the outdated ones.

    Raise `BackupError` if this fails. Nothing is deleted before the new backup is stored.
    """
    store, moment = configured_store(), timezone.now()
    name = name_of(moment, is_encrypted=is_encrypted())
    with tempfile.TemporaryDirectory(prefix="cvety-backup-") as temporary:
        file, manifest = create_archive(Path(temporary), moment)
        if is_encrypted():
            plain, file = file, file.with_suffix(".tar.age")
            encrypt(plain, file)
            plain.unlink()
        size = file.stat().st_size
        store.put(file, name)
    Heartbeat.beat(BACKUP)
    old = outdated(store.names(), Kept(*settings.BACKUP_KEEP))
    for one in old:
        store.delete(one)
    return Backup(name, size, manifest, len(old))


def start_nightly() -> None:
    """Start the command as a process of its own, because a task of the worker may take only two minutes."""
    if settings.BACKUP_TARGET:
        subprocess.Popen(
            [sys.executable, str(BASE_DIR / "manage.py"), "backup", "--scheduled"],
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
