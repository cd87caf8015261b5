"""Collect the texts that staff see into locale/ru/LC_MESSAGES/django.po, and compile it.

Two sections: the texts of our own code, then those of the libraries that have no Russian of their own. What is
translated already stays. Run it again after translating, to compile.
"""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import django
import polib
from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand

from cvety_crm.library_messages import CORRECTED_TEXTS, LIBRARIES, UNSEEN_TEXTS, is_seen
from cvety_crm.source_messages import Message, messages_below, placeholders

CATALOGUE = Path(settings.BASE_DIR) / "locale" / "ru" / "LC_MESSAGES" / "django.po"
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
"""As Django's own catalogue has it. No dates and no names of tools, so that a difference is a difference in texts."""

Key = tuple[str | None, str]
"""Context and text: what makes two entries of a catalogue the same."""


class Command(BaseCommand):
    """`manage.py collect_messages`, or `make messages`."""

    help = "Collect the texts that staff see into the Russian catalogue and compile it."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the catalogue; say what is left to translate."""
        known = {key(entry): entry for entry in polib.pofile(str(CATALOGUE))} if CATALOGUE.exists() else {}
        entries = collect()

        catalogue = polib.POFile(wrapwidth=110)
        catalogue.header = "Russian texts of Cvety CRM: first our own, then those that the libraries lack."
        catalogue.metadata = dict(METADATA)
        for entry in entries:
            _take_over(entry, known.pop(key(entry), None))
            catalogue.append(entry)
        CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
        catalogue.save(str(CATALOGUE))
        catalogue.save_as_mofile(str(CATALOGUE.with_suffix(".mo")))

        self.stdout.write(f"{len(entries)} texts, {len(known)} dropped.")
        for entry in catalogue.untranslated_entries() + catalogue.fuzzy_entries():
            self.stdout.write(f"To translate: {entry.msgid!r}")


def collect() -> list[polib.POEntry]:
    """Return what the catalogue has to hold, not translated: our own texts, then those of the libraries."""
    entries = _entries(own_messages())
    corrected = {(None, text) for texts in CORRECTED_TEXTS.values() for text in texts}
    taken = {key(entry) for entry in entries} | (_russian_of_libraries() - corrected)
    for package, project in LIBRARIES.items():
        found = _entries(message for message in library_messages(package) if _key_of(message) not in taken)
        for entry in found:
            entry.comment, entry.occurrences = project, []
        taken |= {key(entry) for entry in found}
        entries += found
    return entries


def own_messages() -> Iterator[Message]:
    """Yield the texts of our apps and templates."""
    for app in apps.get_app_configs():
        if Path(app.path).parent == settings.BASE_DIR:
            yield from messages_below(Path(app.path), settings.BASE_DIR)
    yield from messages_below(settings.BASE_DIR / "templates", settings.BASE_DIR)


def library_messages(package: str) -> Iterator[Message]:
    """Yield the texts of an installed library that staff can meet."""
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent
    for message in messages_below(folder, folder.parent, counts=is_seen):
        if message.text not in UNSEEN_TEXTS:
            yield message


def key(entry: polib.POEntry | polib.MOEntry) -> Key:
    """Return what tells an entry from others."""
    return entry.msgctxt, entry.msgid


def _key_of(message: Message) -> Key:
    return message.context, message.text


def _entries(messages: Iterable[Message]) -> list[polib.POEntry]:
    """Make one entry of each text, however often it occurs; a text with a plural form anywhere has it everywhere."""
    entries: dict[Key, polib.POEntry] = {}
    for message in messages:
        if not message.text:
            continue
        entry = entries.setdefault(_key_of(message), polib.POEntry(msgctxt=message.context, msgid=message.text))
        if message.plural and not entry.msgid_plural:
            entry.msgid_plural, entry.msgstr_plural = message.plural, dict.fromkeys(range(4), "")
        if (place := (message.file.as_posix(), "")) not in entry.occurrences:
            entry.occurrences.append(place)
        if any(mark.startswith("%") for mark in placeholders(message.text)):
            entry.flags = ["python-format"]
    return list(entries.values())


def _russian_of_libraries() -> set[Key]:
    """What is translated without our help. Python reads ru_RU where Russian is asked for, before ru."""
    folders = [Path(django.__file__).parent / "conf", *(Path(app.path) for app in apps.get_app_configs())]
    files = (folder / "locale" / name / "LC_MESSAGES" / "django.mo" for folder in folders for name in ("ru", "ru_RU"))
    return {key(entry) for file in files if file.exists() for entry in polib.mofile(str(file))}


def _take_over(entry: polib.POEntry, known: polib.POEntry | None) -> None:
    if known and bool(known.msgid_plural) == bool(entry.msgid_plural):
        entry.msgstr, entry.msgstr_plural, entry.tcomment = known.msgstr, known.msgstr_plural, known.tcomment
        entry.flags += [flag for flag in known.flags if flag == "fuzzy"]
