"""Check the pinned packages for known vulnerabilities with pip-audit: `python lint/audit.py`.

If pip-audit's service cannot be reached or knows none of the packages, the check prints one line about it and passes,
or fails with `--strict`.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILES = ("requirements.txt", "constraints.txt")
NOT_CHECKED = "pip-audit: not checked for known vulnerabilities, its service cannot be reached from here."


def audit() -> str:
    """Return pip-audit's report as JSON, or an empty string if pip-audit ended without a report."""
    files = [option for name in FILES for option in ("--requirement", str(ROOT / name))]
    command = [sys.executable, "-m", "pip_audit", *files, "--no-deps", "--disable-pip", "--format=json", "--timeout=10"]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout


def vulnerabilities(packages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one line for each known vulnerability."""
    return [
        f"{package['name']} {package['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or 'none'}"
        for package in packages
        for found in package.get("vulns", [])
    ]


def main(arguments: Sequence[str] = ()) -> int:
    """Print the vulnerabilities. Return 1 if there are any, or with `--strict` if nothing was checked; otherwise 0."""
    try:
        packages = json.loads(audit())["dependencies"]
    except ValueError:
        packages = []
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        print(NOT_CHECKED)
        return int("--strict" in arguments)
    if skipped:
        print(f"pip-audit: not known to its service: {', '.join(skipped)}")
    found = vulnerabilities(packages)
    print("\n".join(found) or "pip-audit: no known vulnerabilities")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
