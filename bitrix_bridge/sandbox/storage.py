"""The persistent storage of the sandbox, for orders, users, counters and undelivered webhooks.

A storage contains JSON documents, each with a kind and a key. One `write` is one transaction: an order is never stored
without its webhook.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

Document = dict[str, Any]
Put = tuple[str, str, Document]
Key = tuple[str, str]


class Storage(Protocol):
    """The storage interface that the site and the sender use."""

    def write(self, puts: Iterable[Put] = (), deletes: Iterable[Key] = ()) -> None:
        """Put and delete documents in one transaction."""

    def load(self, kind: str) -> list[Document]:
        """Return every document of a kind, lowest key first."""

    def close(self) -> None:
        """Close the storage; later writes are ignored."""


class MemoryStorage:
    """A storage that stores nothing: in a test the site's own memory is enough."""

    def write(self, puts: Iterable[Put] = (), deletes: Iterable[Key] = ()) -> None:
        """Store nothing."""

    def load(self, kind: str) -> list[Document]:
        """Return no documents."""
        return []

    def close(self) -> None:
        """Do nothing."""


class FileStorage:
    """A storage in an sqlite3 file, which is created if it is missing. Several threads of one process may use it."""

    def __init__(self, path: str | Path) -> None:
        """Open or create the file at `path`.

        Raise `sqlite3.Error` if the file is not a database.
        """
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._closed = False
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        with self._database:
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS documents "
                "(kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID"
            )

    def write(self, puts: Iterable[Put] = (), deletes: Iterable[Key] = ()) -> None:
        """Put and delete documents in one transaction. Do nothing after `close`."""
        rows = [(kind, key, json.dumps(body)) for kind, key, body in puts]
        with self._lock:
            # The sender's last delivery may end after the site was closed. The next run then sends its webhook again.
            if self._closed:
                return
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", rows)
                self._database.executemany("DELETE FROM documents WHERE kind = ? AND key = ?", list(deletes))

    def load(self, kind: str) -> list[Document]:
        """Return every document of a kind, sorted by key. Shorter keys come first, so numbers are sorted by value."""
        with self._lock:
            rows = self._database.execute(
                "SELECT body FROM documents WHERE kind = ? ORDER BY length(key), key", (kind,)
            ).fetchall()
        return [json.loads(body) for (body,) in rows]

    def close(self) -> None:
        """Close the file. This method may be called twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._database.close()
