"""Persistent storage of the sandbox: orders, users, counters and undelivered webhooks.

A storage holds JSON documents by (kind, key). One `write` is one transaction, so an order and its webhook are stored
together or not at all.
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
        """Return every document of a kind, oldest key first."""

    def close(self) -> None:
        """Close the storage; later writes are ignored."""


class MemoryStorage:
    """Stores nothing: in a test the site's own memory is enough."""

    def write(self, puts: Iterable[Put] = (), deletes: Iterable[Key] = ()) -> None:
        """Store nothing."""

    def load(self, kind: str) -> list[Document]:
        """Return no documents."""
        return []

    def close(self) -> None:
        """Do nothing."""


class FileStorage:
    """An sqlite3 file, created if missing. Safe to use from several threads of one process."""

    def __init__(self, path: str | Path) -> None:
        """Open or create the file at `path`. Raises sqlite3.Error if it is not a database."""
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
        """Put and delete documents in one transaction; ignored after `close`."""
        rows = [(kind, key, json.dumps(body)) for kind, key, body in puts]
        with self._lock:
            # The sender's last delivery may end after the site was closed; its webhook is then sent again by the next
            # run.
            if self._closed:
                return
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", rows)
                self._database.executemany("DELETE FROM documents WHERE kind = ? AND key = ?", list(deletes))

    def load(self, kind: str) -> list[Document]:
        """Return every document of a kind; keys are numbers, so they are ordered by length first."""
        with self._lock:
            rows = self._database.execute(
                "SELECT body FROM documents WHERE kind = ? ORDER BY length(key), key", (kind,)
            ).fetchall()
        return [json.loads(body) for (body,) in rows]

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._database.close()
