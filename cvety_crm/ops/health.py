"""Is everything well? Runs the probes that the settings name; each says one line about a part of the system.

One time limit holds for all probes together: what has not answered by then is a red line. Probes that read the database
share a few threads, each with a connection of its own, and PostgreSQL ends their statements at the same limit; those
that call other systems have a thread each. A probe that still hangs is not started a second time. An exception becomes
a red line with its text masked.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from hashlib import sha256
from queue import Empty, Queue

from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from cvety_crm.masking import truncate_masked

KEEP_SECONDS = 15
"""How long pages show what was found, so that reloading them costs the other systems nothing."""
TIME_LIMIT = 6.0
"""How long a page waits for all probes. What they call has shorter timeouts of its own, which say more."""
DATABASE_THREADS = 3
"""How many connections one check opens at most; one probe that hangs does not keep back the others."""
LONGEST_TEXT = 300


class Level(IntEnum):
    """How it is; the exit status of `system_status` has the same numbers."""

    GREEN = 0
    YELLOW = 1
    RED = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found: its figure in a few words, and what to do where something is to be done."""

    level: Level
    figure: str
    hint: str = ""
    title: str = ""
    """Filled in from the probe."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A check of one part of the system: `check` returns what it found, or raises."""

    title: str | Promise
    check: Callable[[], Finding]
    reads_database: bool = False

    def run(self, seconds: float = TIME_LIMIT) -> Finding:
        """Return what it found; never raises. Of the time limit only the database's statements are aware."""
        try:
            found = self._in_transaction(seconds) if self.reads_database else self.check()
        except Exception as error:
            found = Finding(Level.RED, f"{type(error).__name__}: {error}")
        return self._named(found)

    def late(self, seconds: float) -> Finding:
        """Return the line of a probe that has not answered in time."""
        return self._named(Finding(Level.RED, gettext("no answer within %(seconds)g s") % {"seconds": seconds}))

    def _named(self, found: Finding) -> Finding:
        return replace(found, title=str(self.title), figure=_one_line(found.figure), hint=_one_line(found.hint))

    def _in_transaction(self, seconds: float) -> Finding:
        # Local to the transaction: a pooler hands the connection to another client afterwards.
        with transaction.atomic():
            with connection.cursor() as cursor:
                milliseconds = str(max(int(seconds * 1000), 1))
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds])
            return self.check()


@dataclass(frozen=True, slots=True)
class Report:
    """What all probes found, in the order of the settings."""

    findings: tuple[Finding, ...]
    checked_at: datetime

    @property
    def level(self) -> Level:
        """Return the worst of all."""
        return max((finding.level for finding in self.findings), default=Level.GREEN)


def probe(title: str | Promise, *, reads_database: bool = False) -> Callable[[Callable[[], Finding]], Probe]:
    """Make a probe of a function. One that does not say that it reads the database must not."""
    return lambda check: Probe(title, check, reads_database)


def run_probes(paths: Sequence[str], *, seconds: float = TIME_LIMIT) -> Report:
    """Run the probes behind these dotted paths, and return within `seconds`."""
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
    """Return what was found some seconds ago at most; only one request at a time runs the probes."""
    # A digest: caches other than this process's own take short keys only.
    key = f"health:{translation.get_language()}:{sha256(' '.join(paths).encode()).hexdigest()}"
    if (kept := cache.get(key)) is not None:
        return kept
    with _one_at_a_time:
        if (kept := cache.get(key)) is None:
            kept = run_probes(paths)
            cache.set(key, kept, KEEP_SECONDS)
    return kept


def duration(seconds: float) -> str:
    """Return a length of time in one unit, as people say it."""
    if seconds < 120:
        return gettext("%(number)s s") % {"number": int(seconds)}
    if seconds < 7200:
        return gettext("%(number)s min") % {"number": int(seconds // 60)}
    if seconds < 48 * 3600:
        return gettext("%(number)s h") % {"number": int(seconds // 3600)}
    return gettext("%(number)s d") % {"number": int(seconds // 86400)}


_one_at_a_time = threading.Lock()
_running: dict[str, threading.Thread] = {}
"""The thread in which each probe runs. One that is still there when the next check starts hangs."""


def _start_threads(probes: Mapping[str, Probe], answers: "Queue[tuple[str, Finding]]", deadline: float) -> None:
    """Have each probe run in a thread: those that read the database in a few that share a queue."""
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


def _one_line(text: str) -> str:
    return truncate_masked(" ".join(str(text).split()), LONGEST_TEXT)
