"""Collect the messages that staff see into the message file locale/ru/LC_MESSAGES/django.po, and compile it.

The message file has two sections: the messages of our own code, then the messages of libraries that have no Russian
translation. Existing translations are not changed. Run the command again after translating, to compile the file.
"""

from typing import Any

import polib
from django.core.management.base import BaseCommand, CommandError

from cvety_crm.i18n.catalogue import CATALOGUE, METADATA, compile_catalogue, key
from cvety_crm.i18n.collection import collect_entries
from cvety_crm.i18n.extraction import GettextMissingError


class Command(BaseCommand):
    """The command `manage.py collect_messages`, which `make messages` calls."""

    help = "Collect the texts that staff see into the Russian catalogue and compile it."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the message file, and print the messages that are not translated yet."""
        try:
            entries = collect_entries()
        except GettextMissingError as error:
            raise CommandError(str(error)) from None
        known = {key(entry): entry for entry in polib.pofile(str(CATALOGUE))} if CATALOGUE.exists() else {}

        catalogue = polib.POFile(wrapwidth=110)
        catalogue.header = "Russian texts of Cvety CRM: first our own, then those that the libraries lack."
        catalogue.metadata = dict(METADATA)
        for entry in entries:
            _copy_translation(known.pop(key(entry), None), entry)
            catalogue.append(entry)
        CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
        catalogue.save(str(CATALOGUE))
        compile_catalogue()

        self.stdout.write(f"{len(entries)} texts, {len(known)} dropped.")
        for entry in catalogue.untranslated_entries() + catalogue.fuzzy_entries():
            self.stdout.write(f"To translate: {entry.msgid!r}")


def _copy_translation(known: polib.POEntry | None, entry: polib.POEntry) -> None:
    if known and bool(known.msgid_plural) == bool(entry.msgid_plural):
        entry.msgstr, entry.msgstr_plural, entry.tcomment = known.msgstr, known.msgstr_plural, known.tcomment
        entry.flags += [flag for flag in known.flags if flag == "fuzzy"]
