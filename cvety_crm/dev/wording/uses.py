"""Find the uses of retired words, and exceptions whose names do not end in Error."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cvety_crm.dev.wording.terms import retired_words

FOLDERS = (
    ".ci",
    "bench",
    "bitrix_bridge",
    "cvety_crm",
    "docs",
    "notifications",
    "orders",
    "static",
    "templates",
    "tests",
)
SUFFIXES = frozenset({".css", ".html", ".js", ".json", ".md", ".mjs", ".php", ".py", ".sh", ".toml", ".typ", ".yml"})
FILES = ("Makefile", "README.md", "CONTRIBUTING.md", "pyproject.toml", ".env.example", ".ci/run", "manage.py")
CATALOGUE = "locale/ru/LC_MESSAGES/django.po"
OWN = ("cvety_crm/dev/wording/", "tests/cvety_crm/dev/test_wording.py")
"""Files that must contain retired words."""
ALLOWED = frozenset(
    (path, "nobody") for path in ("cvety_crm/dev/embedded_postgres.py", "tests/cvety_crm/dev/test_embedded_postgres.py")
)
"""Uses with another meaning: `nobody` is a user of Unix systems."""

_CLASS = re.compile(r"^[ \t]*class[ \t]+(\w+)[ \t]*\(([^)]*)\)[ \t]*:", re.MULTILINE)
_EXCEPTION = re.compile(r"(?:Error|Exception|Http404|PermissionDenied|SystemExit|KeyboardInterrupt)$")


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """One use of a retired word, or one wrong name."""

    path: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: “{self.word}”: {self.instead}"


def find_uses(root: Path) -> list[Use]:
    """Return all uses below `root`, sorted."""
    texts = {path: (root / path).read_text(encoding="utf-8") for path in sorted(_paths(root))}
    found = [use for path, text in texts.items() for use in _words(path, text)]
    found += _exceptions({path: text for path, text in texts.items() if path.endswith(".py")})
    catalogue = root / CATALOGUE
    if catalogue.exists():
        found += _words(CATALOGUE, own_msgids(catalogue.read_text(encoding="utf-8")))
    return sorted(use for use in found if (use.path, use.word.lower()) not in ALLOWED)


def own_msgids(text: str) -> str:
    """Return a message file in which only the lines of our own English messages are not empty.

    Messages of libraries are recognised by their missing source locations.
    """
    kept = []
    for entry in text.split("\n\n"):
        lines = entry.split("\n")
        is_own = any(line.startswith("#:") for line in lines)
        english = False
        for line in lines:
            if not line.startswith('"'):
                english = line.startswith("msgid")
            kept.append(line if is_own and english else "")
        kept.append("")
    return "\n".join(kept)


def _paths(root: Path) -> Iterator[str]:
    for folder in FOLDERS:
        for file in (root / folder).rglob("*"):
            path = file.relative_to(root)
            if file.suffix in SUFFIXES and "node_modules" not in path.parts and not path.as_posix().startswith(OWN):
                yield path.as_posix()
    yield from (name for name in FILES if (root / name).is_file())


def _words(path: str, text: str) -> Iterator[Use]:
    return (Use(path, line, word, instead) for line, word, instead in retired_words(text))


def _exceptions(texts: dict[str, str]) -> Iterator[Use]:
    classes = [
        (path, text.count("\n", 0, match.start(1)) + 1, match[1], _base_names(match[2]))
        for path, text in texts.items()
        for match in _CLASS.finditer(text)
    ]
    known: set[str] = set()
    size = -1
    while size != len(known):
        size = len(known)
        known |= {
            name for _, _, name, bases in classes if any(base in known or _EXCEPTION.search(base) for base in bases)
        }
    for path, line, name, _ in classes:
        if name in known and not name.endswith("Error"):
            yield Use(path, line, name, "an exception's name ends in Error")


def _base_names(bases: str) -> list[str]:
    return [base.split("[")[0].rpartition(".")[2].strip() for base in bases.split(",") if "=" not in base]
