"""Compare the uses of retired words with the baseline.

`--lower` writes smaller counts, and `--all` prints every use.
"""

import sys
from pathlib import Path

from cvety_crm.dev.wording.baseline import count, lowered, read_baseline, write_baseline
from cvety_crm.dev.wording.uses import find_uses


def main(root: Path, options: list[str]) -> int:
    """Print the files with more uses than the baseline allows. Return 1 if there are such files, otherwise 0."""
    uses = find_uses(root)
    counts, baseline = count(uses), read_baseline(root)
    grown = counts - baseline
    for use in uses:
        if use.path in grown or "--all" in options:
            sys.stdout.write(f"{use}\n")
    for path, more in sorted(grown.items()):
        sys.stdout.write(f"{path}: {counts[path]} retired words, the baseline allows {counts[path] - more}\n")
    if "--lower" in options:
        write_baseline(root, lowered(baseline, counts))
    elif fewer := (baseline - counts).total():
        sys.stdout.write(f"{fewer} uses are gone: run `python -m cvety_crm.dev.wording --lower`.\n")
    return int(bool(grown))


if __name__ == "__main__":
    sys.exit(main(Path.cwd(), sys.argv[1:]))
