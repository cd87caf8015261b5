"""The progress of a run, its rate, and the estimated time left."""

from dataclasses import dataclass

from django.utils import timezone

from cvety_crm.formatting import duration
from cvety_crm.long_runs.model import LongRun


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run. `rate` is the number of items per second since the run was started or resumed."""

    done: int
    expected: int
    percent: int | None
    """At most 99. It is None if the length of the current pass is not known in advance."""
    remaining: int
    rate: float
    time_left: str
    """The estimated time left, or an empty string if it cannot be estimated."""


def progress(run: LongRun) -> Progress:
    """Return the progress of the run. This runs a query only if `run.is_measured` is false."""
    done = run.processed
    # Items added after the start of the run are not part of `run.expected`.
    expected = max(run.expected, done)
    seconds = ((run.finished_at or timezone.now()) - (run.resumed_at or run.started_at)).total_seconds()
    rate = (done - run.resumed_from) / seconds if seconds > 0 else 0.0
    if not run.is_measured:
        return Progress(done, expected, None, run.count_remaining(), rate, "")
    remaining = expected - done
    time_left = duration(remaining / rate) if rate > 0 and remaining else ""
    percent = min(100 * done // expected, 99) if expected else 0
    return Progress(done, expected, percent, remaining, rate, time_left)
