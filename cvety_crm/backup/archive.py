"""The file of a backup: a tar archive with the dump, the uploaded files, the settings and a description of them."""

import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.backup.errors import BackupError
from cvety_crm.backup.plain_settings import plain_settings
from cvety_crm.backup.postgres import dump_database
from cvety_crm.backup.stores import private_file

MANIFEST, DUMP, SETTINGS, MEDIA = "manifest.json", "database.dump", "settings.env", "media"
NOT_SAVED = frozenset({"reports"})
"""Folders of MEDIA_ROOT with files that the CRM creates again, or deletes within days."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of a backup."""

    created_at: str
    """The time at which the dump was started, in ISO 8601."""
    rows: dict[str, int]
    """The number of rows of each table, by schema and name."""
    files: int
    """The number of uploaded files."""


def create_archive(folder: Path, moment: datetime) -> tuple[Path, Manifest]:
    """Create the archive in an empty folder. Raise `BackupError` if it can't be created."""
    dump, archive = folder / DUMP, folder / "backup.tar"
    rows = dump_database(dump)
    try:
        with private_file(archive) as opened, tarfile.open(fileobj=opened, mode="w", format=tarfile.PAX_FORMAT) as tar:
            tar.add(dump, DUMP)
            dump.unlink()
            _add_bytes(tar, SETTINGS, plain_settings().encode())
            files = sum(_add_file(tar, path, f"{MEDIA}/{name}") for name, path in _media())
            manifest = Manifest(timezone.localtime(moment).isoformat(), rows, files)
            # The manifest comes last, so an archive that is cut off has none.
            _add_bytes(tar, MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
    except OSError as error:
        raise BackupError(str(error)) from None
    return archive, manifest


def open_archive(archive: Path, folder: Path) -> Manifest:
    """Extract an archive into an empty folder, and return its manifest. Raise `BackupError` if it is incomplete."""
    try:
        with tarfile.open(archive, mode="r:") as tar:
            # The filter refuses links and paths that lead out of the folder.
            tar.extractall(folder, filter="data")
        found = json.loads((folder / MANIFEST).read_text("utf-8"))
        manifest = Manifest(**found)
    except (OSError, tarfile.TarError, ValueError, TypeError) as error:
        raise BackupError(gettext("The backup can't be read: %(error)s") % {"error": error}) from None
    extracted = sum(len(files) for _root, _folders, files in os.walk(folder / MEDIA))
    if extracted != manifest.files or not (folder / DUMP).exists():
        raise BackupError(gettext("The backup is incomplete."))
    return manifest


def _media() -> Iterator[tuple[str, Path]]:
    """Yield the relative names and the paths of the uploaded files."""
    root = Path(settings.MEDIA_ROOT)
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        if here == root:
            folders[:] = [name for name in folders if name not in NOT_SAVED]
        for name in sorted(files):
            path = here / name
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix(), path


def _add_file(tar: tarfile.TarFile, path: Path, name: str) -> int:
    """Add a file, and return 1, or 0 if it has just been deleted."""
    try:
        with path.open("rb") as opened:
            tar.addfile(tar.gettarinfo(arcname=name, fileobj=opened), opened)
    except FileNotFoundError:
        return 0
    return 1


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry: Any = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    tar.addfile(entry, BytesIO(content))
