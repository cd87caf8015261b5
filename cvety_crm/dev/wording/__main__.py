"""Print the uses of retired words. The exit status is 1 if there are any."""

import sys
from pathlib import Path

from cvety_crm.dev.wording.uses import find_uses


def main(root: Path) -> int:
    """Print each use below `root`. Return 1 if there is a use, otherwise 0."""
    uses = find_uses(root)
    for use in uses:
        sys.stdout.write(f"{use}\n")
    return int(bool(uses))


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
