"""The disk cache of small pictures, which all processes of a machine share.

An entry is found by the URL of the picture on the site, so a product with a new picture gets a new entry. A picture
that can't be fetched has an entry too, with the reason, so that it is not asked for again at once. The folder may be
deleted at any time.
"""

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from django.conf import settings

FAILED = ".failed"
_PICTURE = ".jpg"
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Summary:
    """The contents of the cache: the number of pictures, and the number of pictures that could not be fetched."""

    stored: int
    failed: int


def key_of(url: str) -> str:
    """Return the key of the entry of a URL."""
    return sha256(url.encode("utf-8", "replace")).hexdigest()


def note_key(name: str) -> str:
    """Return the key of a failure that does not concern a single picture. It is not counted as a picture."""
    return f"notes-{key_of(name)}"


def read(key: str, size: str) -> bytes | None:
    """Return the picture in this size, or None if it is not stored."""
    try:
        return _path(key, f"-{size}{_PICTURE}").read_bytes()
    except OSError:
        return None


def store(key: str, pictures: dict[str, bytes]) -> None:
    """Store a picture in its sizes. A picture that can't be stored is fetched again the next time."""
    for size, content in pictures.items():
        _write(_path(key, f"-{size}{_PICTURE}"), content)
    with suppress(OSError):
        _path(key, FAILED).unlink(missing_ok=True)


def failure(key: str) -> str:
    """Return the reason why something failed a short time ago, or an empty string if it may be tried again."""
    try:
        kept = json.loads(_path(key, FAILED).read_text())
        return str(kept["reason"]) if float(kept["until"]) > time.time() else ""
    except (OSError, ValueError, TypeError, KeyError):
        return ""


def store_failure(key: str, reason: str, seconds: float) -> None:
    """Store the reason of a failure, so that it is not tried again for this number of seconds."""
    kept = {"until": time.time() + seconds, "reason": reason[:_LONGEST_REASON]}
    _write(_path(key, FAILED), json.dumps(kept, ensure_ascii=False).encode())


@contextmanager
def lock(name: str) -> Iterator[bool]:
    """Hold a lock among all processes of the machine, and yield whether it was free. Nothing waits for the lock."""
    path = _folder() / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("wb")
    except OSError:  # without a folder for the cache, pictures are fetched each time
        yield True
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def summary() -> Summary:
    """Count the entries of the cache. A failure counts as long as the picture is not tried again."""
    names = [path.name for path in _entries()]
    stored = sum(name.endswith(f"-small{_PICTURE}") for name in names)
    return Summary(stored, sum(bool(failure(name.removesuffix(FAILED))) for name in names if name.endswith(FAILED)))


def prune(*, max_bytes: int, max_age: float) -> int:
    """Delete the files that are older than `max_age` seconds, and the oldest ones until the rest fits `max_bytes`.

    Return the number of deleted files.
    """
    found = []
    for path in _entries():
        with suppress(OSError):
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    found.sort(key=lambda one: one[:2], reverse=True)
    before, kept, deleted = time.time() - max_age, 0, 0
    for changed, length, path in found:
        kept += length
        if changed < before or kept > max_bytes:
            with suppress(OSError):
                path.unlink()
                deleted += 1
    return deleted


def _folder() -> Path:
    return Path(settings.PICTURE_CACHE_DIR)


def _entries() -> Iterator[Path]:
    # Names of temporary files begin with a dot, but an interrupted process may leave one behind.
    for folder in _folder().glob("[0-9a-f][0-9a-f]"):
        yield from folder.iterdir()


def _path(key: str, suffix: str) -> Path:
    return _folder() / key[:2] / f"{key}{suffix}"


def _write(path: Path, content: bytes) -> None:
    """Write a file in one step, so that no process reads a part of it."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(name, path)
        except OSError:
            Path(name).unlink(missing_ok=True)
