"""The uses that are older than the check, counted for each file."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from cvety_crm.dev.wording.uses import Use

BASELINE = "cvety_crm/dev/wording/baseline.txt"


def count(uses: Iterable[Use]) -> Counter[str]:
    """Return the number of uses in each file."""
    return Counter(use.path for use in uses)


def read_baseline(root: Path) -> Counter[str]:
    """Return the committed counts. They are empty if there is no baseline."""
    file = root / BASELINE
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    pairs = (line.rsplit(" ", 1) for line in lines if line)
    return Counter({path: int(number) for path, number in pairs})


def lowered(baseline: Counter[str], counts: Counter[str]) -> Counter[str]:
    """Return the baseline with each count lowered to the current count, if that is smaller."""
    return baseline & counts


def write_baseline(root: Path, counts: Counter[str]) -> None:
    """Write the counts sorted by path. Remove the file if there are no counts."""
    file = root / BASELINE
    if counts:
        file.write_text("".join(f"{path} {number}\n" for path, number in sorted(counts.items())), encoding="utf-8")
    else:
        file.unlink(missing_ok=True)
