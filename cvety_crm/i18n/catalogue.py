"""The Russian message file. `python -m cvety_crm.i18n.catalogue` compiles it; the compiled file is not in git.

This module needs neither settings nor GNU gettext: a new machine can compile the file before an `.env` exists.
"""

import os
import re
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "locale" / "ru" / "LC_MESSAGES" / "django.po"
COMPILED = CATALOGUE.with_suffix(".mo")
METADATA = {
    "Project-Id-Version": "Cvety CRM",
    "Language": "ru",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": (
        "nplurals=4; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : "
        "n%10==0 || (n%10>=5 && n%10<=9) || (n%100>=11 && n%100<=14)? 2 : 3);"
    ),
}
"""The header of the message file, with the plural forms of Django's own message file.

It contains no dates and no names of tools, so a diff shows only changed messages.
"""

Key = tuple[str | None, str]
"""The context and the message, which identify an entry of a message file."""

_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*(?:[.:][^}]*)?\}")


def key(entry: polib.POEntry | polib.MOEntry) -> Key:
    """Return the context and the message of an entry."""
    return entry.msgctxt, entry.msgid


def placeholders(text: str) -> list[str]:
    """Return the sorted placeholders of a message, such as `%(name)s`, `%s` or `{name}`.

    A translation must have the same placeholders as its message.
    """
    return sorted(_PLACEHOLDER.findall(text.replace("%%", "")))


def compile_catalogue(catalogue: Path = CATALOGUE) -> Path:
    """Compile the message file `catalogue` into a file beside it, and return the path of the compiled file."""
    compiled = catalogue.with_suffix(".mo")
    # The compiled file is replaced in one step, because another process may be reading it.
    descriptor, unfinished = tempfile.mkstemp(dir=catalogue.parent, suffix=".mo.tmp")
    os.close(descriptor)
    polib.pofile(str(catalogue)).save_as_mofile(unfinished)
    os.chmod(unfinished, 0o644)  # mkstemp creates a file that only its owner can read
    os.replace(unfinished, compiled)
    return compiled


def is_compiled(catalogue: Path = CATALOGUE) -> bool:
    """Return whether there is a compiled file that is at least as new as the message file."""
    compiled = catalogue.with_suffix(".mo")
    return compiled.exists() and compiled.stat().st_mtime >= catalogue.stat().st_mtime


if __name__ == "__main__":
    compile_catalogue()
