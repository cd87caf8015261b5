"""How far a run is, for people."""

from dataclasses import dataclass

from bitrix_bridge.models import ImportRow, ImportRun


@dataclass(frozen=True, slots=True)
class Progress:
    """`percent` is below 100 until the run is over, and None while failed orders are repeated: `left` are to come."""

    done: int
    expected: int
    percent: int | None
    left: int


def progress(run: ImportRun) -> Progress:
    """Return how far it is. Of a retry it asks the database."""
    # Orders that came into the copy since are more than expected.
    done, expected = run.gone_through, max(run.expected, run.gone_through)
    if run.is_retry:
        failed = ImportRow.objects.filter(run=run, outcome=ImportRow.Outcome.FAILED)
        return Progress(done, expected, None, failed.filter(bitrix_order_id__gt=run.after_id).count())
    return Progress(done, expected, min(100 * done // expected, 99) if expected else 0, expected - done)
