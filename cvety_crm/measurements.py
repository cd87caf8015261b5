"""Counts and durations of what the processes of a machine do, in one small file of constant size, for `/metrics`.

A slot of the file has the name of what is measured, its number and time, and how often it took at most each time of
`BUCKETS`. The file is kept over restarts. A file that is deleted or damaged starts again from zero, which Prometheus
recognises. A measurement that can't be stored is lost.
"""

import fcntl
import logging
import os
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds. Longer durations count only in the total."""
NAME_BYTES = 64
SLOTS = 128
_SLOT = struct.Struct(f"={NAME_BYTES}s{len(BUCKETS) + 2}Q")
FILE_BYTES = SLOTS * _SLOT.size
_MICROSECONDS = 1_000_000
_LOCK_ATTEMPTS = 10
_LOCK_DELAY = 0.0005  # seconds


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured under one name. `buckets` has the number for each of `BUCKETS`, not cumulated."""

    count: int
    seconds: float
    buckets: tuple[int, ...]


def measure(name: str, seconds: float) -> None:
    """Count something that took this time. Never raise, and wait for other processes for some milliseconds at most.

    A name has at most 64 bytes and consists of words separated by spaces: what is measured, and its labels.
    """
    try:
        _file().add(name, max(seconds, 0.0))
    except BlockingIOError:
        return
    except Exception:
        _log_failure_once()


def measured() -> Mapping[str, Measured]:
    """Return all that was measured on this machine, by name. It is empty if the file can't be read now."""
    try:
        return _file().read()
    except BlockingIOError:
        return {}
    except OSError:
        _log_failure_once()
        return {}


class MeasurementFile:
    """The file at `path`, which is created when it is first used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, name: str, seconds: float) -> None:
        """Add a duration. Raise `OSError` if the file can't be used, is locked by another process, or is full."""
        key = name.encode()[:NAME_BYTES]
        with self._opened(fcntl.LOCK_EX) as descriptor:
            slots = _slots(os.pread(descriptor, FILE_BYTES, 0))
            place = next((number for number, (other, _) in enumerate(slots) if other == key), len(slots))
            if place == SLOTS:
                raise OSError("there are too many names")
            count, total, *buckets = slots[place][1] if place < len(slots) else [0] * (len(BUCKETS) + 2)
            for number, most in enumerate(BUCKETS):
                if seconds <= most:
                    buckets[number] += 1
                    break
            values = _SLOT.pack(key, count + 1, total + round(seconds * _MICROSECONDS), *buckets)
            os.pwrite(descriptor, values, place * _SLOT.size)

    def read(self) -> Mapping[str, Measured]:
        """Return all durations by name. Raise `OSError` if the file can't be used."""
        with self._opened(fcntl.LOCK_SH) as descriptor:
            slots = _slots(os.pread(descriptor, FILE_BYTES, 0))
        return {
            key.decode(errors="replace"): Measured(count, total / _MICROSECONDS, tuple(buckets))
            for key, (count, total, *buckets) in slots
        }

    @contextmanager
    def _opened(self, operation: int) -> Iterator[int]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor, operation)
            yield descriptor
        finally:
            os.close(descriptor)


def _lock(descriptor: int, operation: int) -> None:
    """Lock the file. Raise `BlockingIOError` if another process, which may be stopped, does not release it soon."""
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(_LOCK_DELAY)
    raise BlockingIOError("another process keeps the measurements locked")


def _slots(content: bytes) -> list[tuple[bytes, list[int]]]:
    """Return the name and the numbers of each used slot. The rest of a file that was cut is ignored."""
    whole = content[: len(content) // _SLOT.size * _SLOT.size]
    found = []
    for slot in _SLOT.iter_unpack(whole):
        name = slot[0].rstrip(b"\0")
        if not name:
            break
        found.append((name, list(slot[1:])))
    return found


def _file() -> MeasurementFile:
    return MeasurementFile(Path(settings.THROTTLE_CACHE_DIR) / "measurements")


@cache
def _log_failure_once() -> None:
    # The cache makes each process log this once, not for every measurement.
    logger.warning("durations are not measured: the file can't be used", exc_info=True)  # noqa: LOG014 - called by a handler
