"""Where backups are kept: a folder, or a bucket that speaks the protocol of Amazon S3."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.utils.translation import gettext

from cvety_crm.backup.errors import BackupError
from cvety_crm.masking import truncate_masked

SCHEME = "s3://"
TIMEOUT = 60
"""The longest time without an answer of the bucket, in seconds."""


class Store(Protocol):
    """The place of the backups. All methods raise `BackupError`."""

    def names(self) -> list[str]:
        """Return the names of all files."""

    def put(self, file: Path, name: str) -> None:
        """Store a file. It has its name only after it is complete."""

    def get(self, name: str, file: Path) -> None:
        """Copy a stored file into a new file that only its owner can read."""

    def delete(self, name: str) -> None:
        """Delete a stored file."""


def configured_store() -> Store:
    """Return the place in BACKUP_TARGET. Raise `BackupError` if there is none."""
    target = settings.BACKUP_TARGET
    if not target:
        raise BackupError(gettext("BACKUP_TARGET is not set, so there is no place for backups."))
    if target.startswith(SCHEME):
        bucket, _, prefix = target.removeprefix(SCHEME).partition("/")
        return BucketStore(bucket, f"{prefix.rstrip('/')}/" if prefix else "")
    return FolderStore(Path(target))


class FolderStore:
    """A folder, of which only the CRM's account can read the files."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which is created when a backup is stored."""
        self._folder = folder

    def names(self) -> list[str]:
        """Return the names of all files, or an empty list if there is no folder yet."""
        with _errors_of_files():
            return sorted(path.name for path in self._folder.iterdir()) if self._folder.is_dir() else []

    def put(self, file: Path, name: str) -> None:
        """Store a file. A crash leaves at most a file with another name."""
        unfinished = self._folder / f".{name}.unfinished"
        with _errors_of_files():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                copy_privately(file, unfinished)
                unfinished.rename(self._folder / name)
            finally:
                unfinished.unlink(missing_ok=True)

    def get(self, name: str, file: Path) -> None:
        """Copy a stored file."""
        with _errors_of_files():
            copy_privately(self._folder / name, file)

    def delete(self, name: str) -> None:
        """Delete a stored file."""
        with _errors_of_files():
            (self._folder / name).unlink(missing_ok=True)


class BucketStore:
    """A bucket. Its client has time limits and repeats requests that fail."""

    def __init__(self, bucket: str, prefix: str) -> None:
        """Take the name of the bucket, and the beginning of the names of all backups."""
        import boto3
        from boto3.s3.transfer import TransferConfig
        from botocore.config import Config

        self._bucket, self._prefix = bucket, prefix
        # Other vendors than Amazon do not know the newer checksums.
        config = Config(
            connect_timeout=10,
            read_timeout=TIMEOUT,
            retries={"max_attempts": 4, "mode": "standard"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self._transfer = TransferConfig(multipart_threshold=64 * 1024 * 1024, max_concurrency=2)
        with _errors_of_bucket():
            self._client: Any = boto3.client(
                "s3",
                endpoint_url=settings.BACKUP_S3_ENDPOINT or None,
                region_name=settings.BACKUP_S3_REGION,
                aws_access_key_id=settings.BACKUP_S3_KEY,
                aws_secret_access_key=settings.BACKUP_S3_SECRET,
                config=config,
            )

    def names(self) -> list[str]:
        """Return the names of all files below the prefix."""
        with _errors_of_bucket():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def put(self, file: Path, name: str) -> None:
        """Store a file. A bucket shows a file only after it is complete."""
        with _errors_of_bucket():
            self._client.upload_file(str(file), self._bucket, self._prefix + name, Config=self._transfer)

    def get(self, name: str, file: Path) -> None:
        """Copy a stored file."""
        with _errors_of_bucket(), private_file(file) as opened:
            self._client.download_fileobj(self._bucket, self._prefix + name, opened, Config=self._transfer)

    def delete(self, name: str) -> None:
        """Delete a stored file."""
        with _errors_of_bucket():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)


@contextmanager
def private_file(path: Path) -> Iterator[Any]:
    """Open a new file for writing that only its owner can read. It is on the disk when the `with` block ends."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as opened:
        yield opened
        opened.flush()
        os.fsync(opened.fileno())


def copy_privately(source: Path, target: Path) -> None:
    """Copy a file into a new one that only its owner can read. Raise `OSError`."""
    target.unlink(missing_ok=True)
    with source.open("rb") as read, private_file(target) as written:
        shutil.copyfileobj(read, written, 1024 * 1024)


@contextmanager
def _errors_of_files() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(truncate_masked(str(error), 300)) from None


@contextmanager
def _errors_of_bucket() -> Iterator[None]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError, OSError, ValueError) as error:
        raise BackupError(truncate_masked(str(error), 300)) from None
