"""Decide whether events are stored first and processed later, because more arrive than can be processed at once."""

import logging
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from django.conf import settings

from cvety_crm import listen_queue

logger = logging.getLogger(__name__)

HOLD = 2.0
"""Seconds for which events are stored first after the last time the budget was exceeded."""
SMOOTHING = 0.1
"""The weight of the newest duration in the average."""
QUEUE_LIFE = 3600.0
"""Seconds after the last stored event for which its object is looked for in the queue. After that, it is asked once
whether the queue is empty: the worker may have been stopped for longer."""


class Pressure:
    """The pressure on one web process.

    The time for which the last waiting connection will wait is the number of waiting connections for each process times
    the average duration of an event. If it exceeds `WEBHOOK_TIME_BUDGET`, the pressure is high.
    """

    def __init__(
        self,
        waiting: Callable[[], float] = listen_queue.waiting_per_process,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waiting, self._clock = waiting, clock
        self._average = 0.0
        self._high_until = -HOLD

    def is_high(self) -> bool:
        """Return whether an event that has arrived now should be stored first."""
        budget, now = settings.WEBHOOK_TIME_BUDGET, self._clock()
        if budget <= 0:
            return bool(budget == 0)
        if self._waiting() * self._average > budget:
            self._high_until = now + HOLD
        return now < self._high_until

    def note(self, seconds: float) -> None:
        """Add the duration of an event that was processed at once to the average."""
        self._average += (seconds - self._average) * (SMOOTHING if self._average else 1)


pressure = Pressure()
"""The pressure on this process."""


class QueueMark:
    """A file that all web processes of a machine share. Its time says when an event was last stored first.

    It saves the query for queued events while there are none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: float | None = None
        """The time of the mark after which the queue was found empty."""

    def set(self) -> bool:
        """Record that an event is being stored first. Return False if this was recorded less than a second ago."""
        try:
            if self._age() < 1.0:
                return False
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(0o600)
            os.utime(self._path)
        except OSError:
            logger.exception("the mark of queued events can't be set")
        return True

    def may_be_queued(self, is_any_queued: Callable[[], bool]) -> bool:
        """Return False if surely no event is queued by a process of this machine. `is_any_queued` asks the database."""
        try:
            marked_at = self._path.stat().st_mtime
        except FileNotFoundError:
            return False
        except OSError:
            return True
        if time.time() - marked_at < QUEUE_LIFE:
            return True
        if marked_at == self._done:
            return False
        if is_any_queued():
            self.set()
            return True
        self._done = marked_at
        return False

    def clear(self) -> None:
        """Delete the mark. Only tests call this, because an event may be stored in the same second."""
        self._path.unlink(missing_ok=True)

    def _age(self) -> float:
        try:
            return time.time() - self._path.stat().st_mtime
        except FileNotFoundError:
            return float("inf")


def queue_mark() -> QueueMark:
    """Return the mark of this machine."""
    return _mark_in(settings.THROTTLE_CACHE_DIR)


@cache
def _mark_in(folder: str) -> QueueMark:
    return QueueMark(Path(folder) / "queued_webhooks")
