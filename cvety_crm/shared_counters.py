"""Rate limits that all processes of a machine share, in one small file of constant size.

The limit of a key is a token bucket: the key may make `limit` requests at once, and gets one back each
`period / limit`. So a sender that keeps to `limit` in every period is never refused, and no period has twice as many
requests. A slot of the file stores one key and the time when all its requests are back, so a request changes 24 bytes.

The file is read and written, and not mapped to memory, because a mapped file that is truncated or meets a full disk
kills the process. The kernel keeps the file in memory, and releases the lock of a process that is killed.
"""

import fcntl
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEY_BYTES = 16
_SLOT = struct.Struct(f"={KEY_BYTES}sq")
SLOTS_PER_BUCKET = 16
BUCKETS = 256
_BUCKET_BYTES = SLOTS_PER_BUCKET * _SLOT.size
FILE_BYTES = BUCKETS * _BUCKET_BYTES
_LOCK_ATTEMPTS = 100
_LOCK_DELAY = 0.0005  # seconds


class SharedCounters:
    """The counters in the file at `path`, which is created when it is first used.

    A key has a place in one bucket. If its bucket is full, it replaces the key whose requests are back first, which may
    then make `limit` requests again. So many keys can neither grow the file nor use up the requests of another key.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        # The lock on the file excludes other processes, and not the other threads of this one.
        self._threads = threading.Lock()

    def take(self, key: bytes, *, limit: int, period: int, now: int | None = None) -> int:
        """Count a request of the key. Return 0, or if it exceeds the limit, the time until the next one is allowed.

        `key` is a hash of `KEY_BYTES` bytes. Times are in nanoseconds; `now` is the time of `time.monotonic_ns`, which
        is equal in all processes. Raise `OSError` if the file cannot be used.
        """
        if limit < 1:
            return period
        start = int.from_bytes(key[:4]) % BUCKETS * _BUCKET_BYTES
        with self._locked(start) as descriptor:
            now = time.monotonic_ns() if now is None else now
            # A new or truncated file is as good as an empty one.
            bucket = os.pread(descriptor, _BUCKET_BYTES, start).ljust(_BUCKET_BYTES, b"\0")
            slots = list(_SLOT.iter_unpack(bucket))
            place = _place(slots, key)
            back_at = slots[place][1] if slots[place][0] == key else now
            back_at, wait = _taken(back_at, now=now, limit=limit, period=period)
            if not wait:
                os.pwrite(descriptor, _SLOT.pack(key, back_at), start + place * _SLOT.size)
        return wait

    def forget(self, key: bytes) -> None:
        """Let the key make all its requests again. Raise `OSError` if the file cannot be used."""
        start = int.from_bytes(key[:4]) % BUCKETS * _BUCKET_BYTES
        with self._locked(start) as descriptor:
            bucket = os.pread(descriptor, _BUCKET_BYTES, start).ljust(_BUCKET_BYTES, b"\0")
            for place, (other, _) in enumerate(_SLOT.iter_unpack(bucket)):
                if other == key:
                    os.pwrite(descriptor, _SLOT.pack(key, 0), start + place * _SLOT.size)

    def clear(self) -> None:
        """Delete all counts."""
        if self._path.exists():
            os.truncate(self._path, 0)

    @contextmanager
    def _locked(self, start: int) -> Iterator[int]:
        """Yield the descriptor of the file while the bucket at `start` is locked."""
        with self._threads:
            descriptor = self._open()
            _lock(descriptor, start)
            try:
                yield descriptor
            finally:
                fcntl.lockf(descriptor, fcntl.LOCK_UN, _BUCKET_BYTES, start)

    def _open(self) -> int:
        # Other processes would not see the counts in a file that has been deleted.
        if self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0:
            os.close(self._descriptor)
            self._descriptor = None
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._descriptor


def _place(slots: list[tuple[bytes, int]], key: bytes) -> int:
    """Return the number of the slot with the key, or of the slot that the key may replace."""
    for number, (other, _) in enumerate(slots):
        if other == key:
            return number
    return min(range(len(slots)), key=lambda number: slots[number][1])


def _taken(back_at: int, *, now: int, limit: int, period: int) -> tuple[int, int]:
    """Return the time when all requests of a key are back after one more, and the wait if that one is refused."""
    # A time beyond the period is from before a restart of the machine, or from a longer period in the settings.
    missing = back_at - now if now < back_at <= now + period else 0
    step = max(1, period // limit)
    return now + missing + step, max(0, missing + step - period)


def _lock(descriptor: int, start: int) -> None:
    """Lock the bucket. Raise `TimeoutError` if another process, which may be stopped, does not release it soon."""
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, _BUCKET_BYTES, start)
            return
        except (BlockingIOError, PermissionError):  # POSIX allows both for a lock that is held
            time.sleep(_LOCK_DELAY)
    raise TimeoutError("another process keeps the counters locked")
