"""Run the health probes that the settings name. Each probe checks one part of the system and reports one line.

All probes share one time limit. A probe that has not answered by then is reported as a red line. Probes that read the
database share a few threads, each with its own connection, and PostgreSQL cancels their statements at the same limit.
Each probe that calls another system has its own thread. A probe that still hangs is not started a second time. An
exception becomes a red line with a masked message.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import sha256
from queue import Empty, Queue

from django.conf import settings
from django.core.cache import cache
from django.db import Error as DatabaseError
from django.db import connection, connections, transaction
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from cvety_crm.masking import truncate_masked
from cvety_crm.models import Heartbeat

KEEP_SECONDS = 15
"""The number of seconds for which pages show a cached report.

Reloading a page must not send requests to other systems.
"""
TIME_LIMIT = 6.0
"""The number of seconds for which a page waits for all probes.

The requests of the probes have shorter timeouts with better messages.
"""
DATABASE_THREADS = 3
"""The maximum number of database connections of one check.

A probe that hangs does not delay the probes on other connections.
"""
LONGEST_TEXT = 300
START_TIME = timedelta(minutes=1)
"""The time after the start in which the programs may still be starting."""


class Level(IntEnum):
    """The level of a finding. The exit status of `system_status` uses the same numbers."""

    GREEN = 0
    YELLOW = 1
    RED = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a probe: a short text, and a hint if staff should act."""

    level: Level
    figure: str
    hint: str = ""
    title: str = ""
    """The title of the probe. `Probe.run` sets it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A check of one part of the system. `check` returns its finding, or raises any exception."""

    title: str | Promise
    check: Callable[[], Finding]
    reads_database: bool = False
    may_be_starting: bool = False
    """Whether the part needs a moment after the start, so that its problems do not count in the first minute."""

    def run(self, seconds: float | None = TIME_LIMIT) -> Finding:
        """Return the finding. Never raise.

        The time limit applies only to database statements, which need a transaction for it. None means no limit.
        """
        try:
            found = self.check() if seconds is None or not self.reads_database else self._in_transaction(seconds)
        except Exception as error:
            found = Finding(Level.RED, f"{type(error).__name__}: {error}")
        if found.level > Level.GREEN and self.may_be_starting and _is_starting():
            found = Finding(Level.GREEN, gettext("starting: %(figure)s") % {"figure": found.figure})
        return self._named(found)

    def late(self, seconds: float) -> Finding:
        """Return the finding for a probe that has not answered in time."""
        return self._named(Finding(Level.RED, gettext("no answer within %(seconds)g s") % {"seconds": seconds}))

    def _named(self, found: Finding) -> Finding:
        return replace(found, title=str(self.title), figure=_one_line(found.figure), hint=_one_line(found.hint))

    def _in_transaction(self, seconds: float) -> Finding:
        # The setting is local to the transaction, because a pooler gives the connection to another client afterwards.
        with transaction.atomic():
            with connection.cursor() as cursor:
                milliseconds = str(max(int(seconds * 1000), 1))
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])
            return self.check()


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of all probes, sorted as in the settings."""

    findings: tuple[Finding, ...]
    checked_at: datetime

    @property
    def level(self) -> Level:
        """Return the worst level of all findings."""
        return max((finding.level for finding in self.findings), default=Level.GREEN)


def probe(
    title: str | Promise, *, reads_database: bool = False, may_be_starting: bool = False
) -> Callable[[Callable[[], Finding]], Probe]:
    """Return a decorator that turns a function into a probe. Set `reads_database` if the function runs queries."""
    return lambda check: Probe(title, check, reads_database, may_be_starting)


def run_probes(paths: Sequence[str], *, seconds: float = TIME_LIMIT) -> Report:
    """Run the probes at these dotted paths, and return their report within `seconds`."""
    deadline = time.monotonic() + seconds
    probes: dict[str, Probe] = {path: import_string(path) for path in paths}
    answers: Queue[tuple[str, Finding]] = Queue()
    started = {path: one for path, one in probes.items() if not _is_hanging(path)}
    _start_threads(started, answers, deadline)
    found: dict[str, Finding] = {}
    while len(found) < len(started):
        try:
            path, finding = answers.get(timeout=max(deadline - time.monotonic(), 0.001))
        except Empty:
            break
        found[path] = finding
    return Report(tuple(found.get(path) or probes[path].late(seconds) for path in paths), timezone.now())


def latest(paths: Sequence[str]) -> Report:
    """Return the cached report, or run the probes and cache the report. Only one thread at a time runs the probes."""
    # The key is a digest, because some cache backends accept only short keys.
    key = f"health:{translation.get_language()}:{sha256(' '.join(paths).encode()).hexdigest()}"
    if (kept := cache.get(key)) is not None:
        return kept
    with _one_at_a_time:
        if (kept := cache.get(key)) is None:
            kept = run_probes(paths)
            cache.set(key, kept, KEEP_SECONDS)
    return kept


_one_at_a_time = threading.Lock()
_running: dict[str, threading.Thread] = {}
"""The thread of each running probe. If it still runs when the next check starts, the probe hangs."""


def _start_threads(probes: Mapping[str, Probe], answers: "Queue[tuple[str, Finding]]", deadline: float) -> None:
    """Start one thread for each probe. Probes that read the database share one queue and a few threads."""
    database: Queue[tuple[str, Probe]] = Queue()
    queues = []
    for item in probes.items():
        queue = database if item[1].reads_database else Queue()
        queue.put(item)
        if queue is not database:
            queues.append(queue)
    queues += [database] * min(DATABASE_THREADS, database.qsize())
    language = translation.get_language() or settings.LANGUAGE_CODE
    for queue in queues:
        arguments = (queue, answers, deadline, language)
        threading.Thread(target=_work, args=arguments, name="health", daemon=True).start()


def _is_hanging(path: str) -> bool:
    thread = _running.get(path)
    return thread is not None and thread.is_alive()


def _work(
    waiting: "Queue[tuple[str, Probe]]", answers: "Queue[tuple[str, Finding]]", deadline: float, language: str
) -> None:
    try:
        with translation.override(language):
            while (left := deadline - time.monotonic()) > 0:
                path, one = waiting.get_nowait()
                _running[path] = threading.current_thread()
                finding = one.run(left)
                _running.pop(path, None)
                answers.put((path, finding))
    except Empty:
        return
    finally:
        connections.close_all()


def _is_starting() -> bool:
    """Return whether `manage.py run` started all programs within the last minute."""
    try:
        started_at = Heartbeat.last(Heartbeat.START)
    except DatabaseError:
        return False
    return started_at is not None and timezone.now() - started_at < START_TIME


def _one_line(text: str) -> str:
    return truncate_masked(" ".join(str(text).split()), LONGEST_TEXT)
