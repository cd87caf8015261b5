"""Check that no line of a template is longer than 160 characters: `python lint/templates.py`.

`long_template_lines.txt` counts the lines that were longer when the check was added. A count may only go down.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 160
KNOWN = Path(__file__).with_name("long_template_lines.txt")


def long_lines(root: Path) -> dict[str, list[int]]:
    """Return the line numbers of the lines over the limit by template."""
    found: dict[str, list[int]] = {}
    for file in sorted((root / "templates").rglob("*.html")):
        lines = file.read_text("utf-8").splitlines()
        numbers = [number for number, line in enumerate(lines, start=1) if len(line) > LIMIT]
        if numbers:
            found[file.relative_to(root).as_posix()] = numbers
    return found


def known_counts(text: str) -> dict[str, int]:
    """Return the number of long lines that each listed template may have."""
    return {name: int(count) for count, name in (line.split() for line in text.splitlines())}


def problems(found: dict[str, list[int]], known: dict[str, int]) -> list[str]:
    """Return one line for each template with more long lines than allowed, and for each count to be lowered."""
    reported = []
    for name in sorted(found.keys() | known.keys()):
        numbers, allowed = found.get(name, []), known.get(name, 0)
        if len(numbers) > allowed:
            places = ", ".join(map(str, numbers))
            reported.append(f"{name}: {len(numbers)} lines over {LIMIT} characters, {allowed} allowed (lines {places})")
        elif len(numbers) < allowed:
            reported.append(f"{name}: only {len(numbers)} long lines are left: lower its count in {KNOWN.name}")
    return reported


if __name__ == "__main__":
    lines = problems(long_lines(ROOT), known_counts(KNOWN.read_text("utf-8")))
    sys.exit("\n".join(lines) or None)
