"""Collect the messages of the Russian message file: our own messages, then untranslated messages of libraries."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import django
import polib
from django.apps import apps
from django.conf import settings

from cvety_crm.i18n.catalogue import Key, key, placeholders
from cvety_crm.i18n.extraction import extract_messages, source_files
from cvety_crm.i18n.library_messages import CORRECTED_TEXTS, LIBRARIES, MISSED_TEXTS, UNSEEN_TEXTS, is_seen


def collect_entries() -> list[polib.POEntry]:
    """Return the untranslated entries of the message file.

    Raise `GettextMissingError` if GNU gettext is not installed.
    """
    entries = own_messages()
    corrected = {(None, text) for texts in CORRECTED_TEXTS.values() for text in texts}
    taken = {key(entry) for entry in entries} | (_translated_by_libraries() - corrected)
    for package, project in LIBRARIES.items():
        found = [entry for entry in library_messages(package) if key(entry) not in taken]
        for entry in found:
            entry.comment, entry.occurrences = project, []
        taken |= {key(entry) for entry in found}
        entries += found
    for entry in entries:
        if any(mark.startswith("%") for mark in placeholders(entry.msgid)):
            entry.flags = ["python-format"]
    return entries


def own_messages() -> list[polib.POEntry]:
    """Return the messages of our apps and templates."""
    folders = [Path(app.path) for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR]
    files = [file for folder in [*folders, settings.BASE_DIR / "templates"] for file in source_files(folder)]
    return extract_messages(files, settings.BASE_DIR)


def library_messages(package: str, *, only_seen: bool = True) -> list[polib.POEntry]:
    """Return the messages of an installed library. If `only_seen` is true, return only messages that staff can see."""
    folder = library_folder(package)
    files: Iterable[Path] = source_files(folder)
    if only_seen:
        files = (file for file in files if is_seen(file.relative_to(folder.parent)))
    unseen = UNSEEN_TEXTS if only_seen else {}
    found = [entry for entry in extract_messages(files, folder.parent) if entry.msgid not in unseen]
    missed = set(MISSED_TEXTS.get(package, ())) - {entry.msgid for entry in found}
    return found + [polib.POEntry(msgid=text) for text in sorted(missed)]


def library_folder(package: str) -> Path:
    """Return the folder of an installed package."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _translated_by_libraries() -> set[Key]:
    """Return the messages that Django and the apps translate. For Russian, gettext reads ru_RU before ru."""
    folders = [Path(django.__file__).parent / "conf", *(Path(app.path) for app in apps.get_app_configs())]
    files = (folder / "locale" / name / "LC_MESSAGES" / "django.mo" for folder in folders for name in ("ru", "ru_RU"))
    return {key(entry) for file in files if file.exists() for entry in polib.mofile(str(file))}
