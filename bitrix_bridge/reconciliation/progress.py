"""How far a run is, how fast, and how long it may still take."""

from dataclasses import dataclass

from django.utils import timezone

from bitrix_bridge.models import Reconciliation
from cvety_crm.formatting import duration


@dataclass(frozen=True, slots=True)
class Progress:
    """For people. `percent` is below 100 until the run is over; `rate` is orders a second."""

    compared: int
    expected: int
    percent: int
    rate: int
    left: str
    """Empty when nothing can be said yet."""


def progress(run: Reconciliation, *, compared_before: int = 0, seconds: float | None = None) -> Progress:
    """Return how far it is. After a break, pass what was compared before it, and the seconds since."""
    if seconds is None:
        seconds = ((run.finished_at or timezone.now()) - run.started_at).total_seconds()
    # Orders that the site has and we don't know of are more than expected.
    expected = max(run.expected, run.compared)
    rate = (run.compared - compared_before) / seconds if seconds > 0 else 0.0
    left = duration((expected - run.compared) / rate) if rate and expected > run.compared else ""
    percent = min(100 * run.compared // expected, 99) if expected else 0
    return Progress(run.compared, expected, percent, int(rate), left)
