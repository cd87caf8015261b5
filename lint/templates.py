"""Check that no line of a template is longer than 160 characters: `python lint/templates.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 160
COPIES = ("templates/unfold/", "templates/admin/base.html")
"""Changed copies of django-unfold's templates, whose lines stay comparable with the originals."""


def long_lines(root: Path) -> list[str]:
    """Return one report for each line over the limit, sorted by template and line."""
    return [
        f"{file.relative_to(root).as_posix()}:{number}: {len(line)} characters, at most {LIMIT} are allowed"
        for file in sorted((root / "templates").rglob("*.html"))
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1)
        if len(line) > LIMIT and not file.relative_to(root).as_posix().startswith(COPIES)
    ]


if __name__ == "__main__":
    sys.exit("\n".join(long_lines(ROOT)) or None)
