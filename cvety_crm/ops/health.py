"""Is everything well? Runs the probes that the settings name; each says one line about a part of the system.

A probe can neither take down nor hang whoever asks. All of them run in threads of their own: those that read the
database one after the other on one connection, each statement with a time limit; those that call other systems side by
side. Whoever asks stops waiting in time, and a probe that still hangs is not started a second time. An exception
becomes a red line with its text masked.
"""

import threading
import time
from collections.abc import Callable, Sequence
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

from cvety_crm.masking import keepable

KEEP_SECONDS = 15
"""How long pages show what was found, so that reloading them costs the other systems nothing."""
SECONDS = 3.0
"""The time limit of a probe that names none."""
ALL_SECONDS = 12.0
"""The time limit of all the probes together."""
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
    """A question to one part of the system. `check` answers it, or raises; `seconds` is its time limit."""

    title: str | Promise
    check: Callable[[], Finding]
    seconds: float = SECONDS
    reads_database: bool = False

    def run(self) -> Finding:
        """Ask, without a time limit of its own but that of the database's statements; never raises."""
        try:
            found = self._in_transaction() if self.reads_database else self.check()
        except Exception as error:
            found = Finding(Level.RED, f"{type(error).__name__}: {error}")
        return self._named(found)

    def late(self) -> Finding:
        """Return what to say when there was no answer in time."""
        return self._named(Finding(Level.RED, gettext("no answer within %(seconds)g s") % {"seconds": self.seconds}))

    def _named(self, found: Finding) -> Finding:
        return replace(found, title=str(self.title), figure=_one_line(found.figure), hint=_one_line(found.hint))

    def _in_transaction(self) -> Finding:
        # Local to the transaction: a pooler hands the connection to somebody else afterwards.
        with transaction.atomic():
            with connection.cursor() as cursor:
                milliseconds = str(int(self.seconds * 1000))
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


def probe(
    title: str | Promise, *, seconds: float = SECONDS, reads_database: bool = False
) -> Callable[[Callable[[], Finding]], Probe]:
    """Make a probe of a function. One that does not say that it reads the database must not."""
    return lambda check: Probe(title, check, seconds, reads_database)


def run_probes(paths: Sequence[str], *, seconds: float = ALL_SECONDS) -> Report:
    """Run the probes behind these dotted paths, and return within `seconds`."""
    found: dict[str, Finding] = {}
    deadline = time.monotonic() + seconds
    probes = [(path, import_string(path)) for path in paths]
    lanes = [[one for one in probes if one[1].reads_database], *([one] for one in probes if not one[1].reads_database)]
    # Started together, waited for one after the other: their time limits run side by side.
    started = [_Lane(lane) for lane in lanes if lane]
    for lane in started:
        found |= lane.results(deadline)
    return Report(tuple(found[path] for path in paths), timezone.now())


def latest(paths: Sequence[str]) -> Report:
    """Return what was found some seconds ago at most; only one request at a time runs the probes anew."""
    # A digest: caches other than this process's own take short keys only.
    key = f"health:{translation.get_language()}:{sha256(' '.join(paths).encode()).hexdigest()}"
    if (kept := cache.get(key)) is not None:
        return kept
    with _one_at_a_time:
        if (kept := cache.get(key)) is None:
            kept = run_probes(paths)
            cache.set(key, kept, KEEP_SECONDS)
    return kept


_one_at_a_time = threading.Lock()
_hanging: dict[str, threading.Thread] = {}
"""Threads that were given up, by the probe they hang in. At most one for each probe, whatever hangs."""


class _Lane:
    """Probes that run one after the other in a thread; the rest of them go on in a new one when one hangs."""

    def __init__(self, probes: list[tuple[str, Probe]]) -> None:
        self._waiting = list(probes)
        self._asked_at = time.monotonic()
        self._thread = self._start()

    def results(self, deadline: float) -> dict[str, Finding]:
        """Wait for every probe, each as long as it may take."""
        found: dict[str, Finding] = {}
        while self._waiting:
            path, one = self._waiting[0]
            limit = min(self._asked_at + one.seconds, deadline) - time.monotonic()
            try:
                found[path] = self._answers.get(timeout=max(limit, 0.001))
                self._waiting.pop(0)
                self._asked_at = time.monotonic()
            except Empty:
                found[path] = one.late()
                self._waiting.pop(0)
                self._given_up.set()
                _hanging[path] = self._thread
                if self._waiting:
                    self._thread = self._start()
        return found

    def _start(self) -> threading.Thread:
        self._answers: Queue[Finding] = Queue()
        self._given_up = threading.Event()
        self._asked_at = time.monotonic()
        language = translation.get_language() or settings.LANGUAGE_CODE
        arguments = (list(self._waiting), self._answers, self._given_up, language)
        thread = threading.Thread(target=_work, args=arguments, name="health", daemon=True)
        thread.start()
        return thread


def _work(probes: list[tuple[str, Probe]], answers: "Queue[Finding]", given_up: threading.Event, language: str) -> None:
    try:
        with translation.override(language):
            for path, one in probes:
                if given_up.is_set():
                    return
                before = _hanging.get(path)
                answers.put(one.late() if before is not None and before.is_alive() else one.run())
    finally:
        connections.close_all()


def _one_line(text: str) -> str:
    return keepable(" ".join(str(text).split()), LONGEST_TEXT)
