"""Extract the messages to translate from Python files and templates, with Django's `makemessages`.

`makemessages` runs in a temporary folder, because it writes next to the sources and must not write into libraries.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import polib

INSTALL_HINT = (
    "xgettext is missing: install GNU gettext (Debian: apt-get install gettext, macOS: brew install gettext)."
)


class GettextMissingError(Exception):
    """GNU gettext is not installed."""


def source_files(folder: Path) -> Iterator[Path]:
    """Yield the Python files and the templates below a folder, sorted by path."""
    for path in sorted(folder.rglob("*")):
        is_template = path.suffix in (".html", ".txt") and "templates" in path.parts
        if path.suffix == ".py" or is_template:
            yield path


def extract_messages(files: Iterable[Path], root: Path) -> list[polib.POEntry]:
    """Return one untranslated entry for each message in `files`, sorted by file as in `files`.

    The occurrences are paths relative to `root`. Raise `GettextMissingError` if GNU gettext is not installed, and
    `subprocess.CalledProcessError` if `makemessages` fails.
    """
    if shutil.which("xgettext") is None:
        raise GettextMissingError(INSTALL_HINT)
    # The files are numbered, so that they are sorted as in `files`, and so that no folder is named "locale": it would
    # have a separate result.
    sources = {f"{number:06}{file.suffix}": file for number, file in enumerate(files)}
    with tempfile.TemporaryDirectory() as folder:
        for name, file in sources.items():
            Path(folder, name).symlink_to(file)
        template = _run_makemessages(Path(folder))
    names = {name: file.relative_to(root).as_posix() for name, file in sources.items()}
    return [_clean_entry(entry, names) for entry in sorted(template, key=_first_file) if entry.msgid]


def _first_file(entry: polib.POEntry) -> str:
    return min(Path(file).name for file, _ in entry.occurrences)


def _run_makemessages(folder: Path) -> polib.POFile:
    """Return the message template of all files below a folder. The folder has no locale to merge with."""
    locale = folder / "locale"
    locale.mkdir()
    # With the CRM's settings, `makemessages` would write into the CRM's message files (LOCALE_PATHS).
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "django", "makemessages", "--all", "--keep-pot", "--add-location=file"]
    subprocess.run(
        [*command, "--extension=py,html,txt", "--verbosity=0"],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    result = locale / "django.pot"
    return polib.pofile(str(result)) if result.exists() else polib.POFile()


def _clean_entry(entry: polib.POEntry, names: dict[str, str]) -> polib.POEntry:
    """Return the entry with real file names and without comments and flags, which depend on xgettext's version."""
    files = sorted({Path(file).name for file, _ in entry.occurrences})
    return polib.POEntry(
        msgctxt=entry.msgctxt,
        msgid=entry.msgid,
        msgid_plural=entry.msgid_plural,
        msgstr_plural=dict.fromkeys(range(4), "") if entry.msgid_plural else {},
        occurrences=[(names[file], "") for file in files],
    )
