"""Tests that the Russian message file is complete and compiled, and that it matches the code and the libraries.

When one of these tests fails, start with `make messages`. It collects missing messages, and lists messages without a
translation.
"""

import ast
import re
import shutil
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polib
import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import ngettext, npgettext, trans_real

from cvety_crm.i18n.catalogue import CATALOGUE, METADATA, key, placeholders
from cvety_crm.i18n.collection import collect_entries, library_folder, library_messages, own_messages
from cvety_crm.i18n.extraction import source_files
from cvety_crm.i18n.library_messages import (
    CORRECTED_TEXTS,
    LIBRARIES,
    MISSED_TEXTS,
    UNSEEN_FILES,
    UNSEEN_TEXTS,
    is_seen,
)

needs_gettext = pytest.mark.skipif(shutil.which("xgettext") is None, reason="needs GNU gettext")

SAME_IN_RUSSIAN = {
    "API", "E-mail", "Instagram", "Kaspi", "Telegram", "WhatsApp", "admin",
}  # fmt: skip
"""The project's messages whose translation has no Cyrillic letter."""

OUR_CODE = ("cvety_crm", "orders", "bitrix_bridge", "notifications")


@cache
def _catalogue():
    return polib.pofile(str(CATALOGUE))


@cache
def _sources():
    return {key(entry): entry for entry in collect_entries()}


def _translations(entry):
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


@needs_gettext
def test_every_text_is_in_the_catalogue():
    in_catalogue = {(entry.msgctxt, entry.msgid, entry.msgid_plural) for entry in _catalogue() if not entry.obsolete}
    missing = [
        (entry.msgid, entry.comment or [file for file, _ in entry.occurrences])
        for entry in _sources().values()
        if (entry.msgctxt, entry.msgid, entry.msgid_plural) not in in_catalogue
    ]
    assert not missing


@needs_gettext
def test_catalogue_has_no_text_without_a_source():
    assert not [entry.msgid for entry in _catalogue() if entry.obsolete or key(entry) not in _sources()]


def test_every_text_is_translated():
    assert not [
        entry.msgid for entry in _catalogue() if entry.fuzzy or not all(text.strip() for text in _translations(entry))
    ]
    assert not [entry.msgid for entry in _catalogue() if entry.msgid_plural and len(entry.msgstr_plural) != 4]


def test_every_translation_is_russian():
    latin = {entry.msgid for entry in _catalogue() if any(map(_is_latin, _translations(entry)))}
    assert latin == SAME_IN_RUSSIAN


def _is_latin(text):
    words = re.sub(r"%\(\w+\)s|{\w*}|<[^>]*>", "", text)
    return re.search("[a-z]", words, re.I) and not re.search("[а-яё]", words, re.I)


def test_placeholders_of_translations_equal_those_of_texts():
    for entry in _catalogue():
        for text in _translations(entry):
            assert placeholders(text) == placeholders(entry.msgid_plural or entry.msgid), entry.msgid


def test_outer_spaces_of_translations_equal_those_of_texts():
    for entry in _catalogue():
        for text in _translations(entry):
            edges = [re.match(r"\s*", side)[0] for side in (text, text[::-1])]
            assert edges == [re.match(r"\s*", side)[0] for side in (entry.msgid, entry.msgid[::-1])], entry.msgid


def test_translations_follow_russian_typography():
    for entry in _catalogue():
        for text in _translations(entry):
            words = re.sub(r"<[^>]*>", "", text)
            assert not re.search(r'["“”]|\.\.\.|№ | - ', words), f"«ёлочки», …, № with a no-break space, —: {text}"


def test_compiled_catalogue_equals_its_source():
    compiled = polib.mofile(str(CATALOGUE.with_suffix(".mo")))
    assert {key(entry): _translations(entry) for entry in compiled} == {
        key(entry): _translations(entry) for entry in _catalogue()
    }
    assert compiled.metadata == _catalogue().metadata


def test_catalogue_metadata_has_no_dates_and_tools():
    assert _catalogue().metadata == METADATA


def test_plural_forms_follow_russian_rules():
    forms = {1: 0, 21: 0, 101: 0, 2: 1, 4: 1, 22: 1, 0: 2, 5: 2, 11: 2, 12: 2, 14: 2, 111: 2, 25: 2}
    entries = [entry for entry in _catalogue() if entry.msgid_plural]
    assert entries
    with translation.override("ru"):
        for entry in entries:
            for count, form in forms.items():
                text = (
                    npgettext(entry.msgctxt, entry.msgid, entry.msgid_plural, count)
                    if entry.msgctxt
                    else ngettext(entry.msgid, entry.msgid_plural, count)
                )
                assert text == entry.msgstr_plural[form], (entry.msgid, count)


@needs_gettext
@pytest.mark.parametrize("package", LIBRARIES)
def test_visible_texts_of_libraries_have_russian_translations(package):
    assert not [
        entry.msgid for entry in library_messages(package) if not _is_translated(entry, trans_real.translation("ru"))
    ]


@needs_gettext
def test_own_texts_have_russian_translations():
    entries = own_messages()
    folders = {file.split("/")[0] for entry in entries for file, _ in entry.occurrences}
    assert folders == {*OUR_CODE, "templates"}
    assert not [entry.msgid for entry in entries if not _is_translated(entry, trans_real.translation("ru"))]


def _is_translated(entry, catalogue):
    text = f"{entry.msgctxt}{trans_real.CONTEXT_SEPARATOR}{entry.msgid}" if entry.msgctxt else entry.msgid
    while catalogue is not None:
        if (text, 0) in catalogue._catalog or text in catalogue._catalog:
            return True
        catalogue = catalogue._fallback
    return False


@pytest.mark.parametrize("folder", ["static", "unfold"])
def test_texts_of_scripts_are_translated(folder):
    scripts = settings.BASE_DIR / folder if folder == "static" else Path(find_spec(folder).origin).parent
    catalogue: Any = trans_real.DjangoTranslation("ru", domain="djangojs", localedirs=_locale_folders())
    call = re.compile(r"""\b(?:n?gettext|gettext_noop)\(\s*("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""")
    english = set()
    for script in scripts.rglob("*.js"):
        for found in call.finditer(script.read_text("utf-8")):
            text = ast.literal_eval(found[1])
            if text not in catalogue._catalog and (text, 0) not in catalogue._catalog:
                english.add(text)
    assert not english


def _locale_folders():
    # These are the folders that the admin's view of script messages reads (AdminSite.i18n_javascript).
    return [str(Path(find_spec("django.contrib.admin").origin).parent / "locale")]


CALLS = {
    "_": 1,
    "gettext": 1,
    "gettext_lazy": 1,
    "gettext_noop": 1,
    "pgettext": 2,
    "pgettext_lazy": 2,
    "ngettext": 2,
    "ngettext_lazy": 2,
    "npgettext": 3,
    "npgettext_lazy": 3,
}
"""The number of arguments with messages, including the context, of each function of django.utils.translation."""


def _gettext_calls(tree: ast.AST) -> Iterator[list[str | None]]:
    """Yield the messages of each call of a gettext function. A message that is not a literal is None."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            function = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
            if count := CALLS.get(function):
                yield [getattr(argument, "value", None) for argument in node.args[:count]]


def _calls_in_f_strings(file: Path) -> set[str | None]:
    strings = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.JoinedStr)]
    return {text for string in strings for texts in _gettext_calls(string) for text in texts}


def _python_files(folder: Path) -> list[Path]:
    return [file for file in source_files(folder) if file.suffix == ".py"]


@pytest.mark.parametrize("app", OUR_CODE)
def test_texts_with_context_or_plural_are_literals(app):
    # A single message need not be a literal if gettext_noop marks it elsewhere. No such function exists for context and
    # plural.
    for file in _python_files(settings.BASE_DIR / app):
        for texts in _gettext_calls(ast.parse(file.read_text("utf-8"))):
            assert len(texts) == 1 or None not in texts, f"{file}: {texts}"


@pytest.mark.parametrize("app", OUR_CODE)
def test_no_gettext_call_is_inside_an_f_string(app):
    # xgettext does not find such a call, so its message would not be translated.
    files = _python_files(settings.BASE_DIR / app)
    assert not {file: texts for file in files if (texts := _calls_in_f_strings(file))}


@pytest.mark.slow
@pytest.mark.parametrize("package", LIBRARIES)
def test_missed_texts_of_a_library_equal_its_texts_in_f_strings(package):
    folder = library_folder(package)
    seen = [file for file in _python_files(folder) if is_seen(file.relative_to(folder.parent))]
    found = {text for file in seen for text in _calls_in_f_strings(file) if text is not None}
    assert found == set(MISSED_TEXTS.get(package, ()))


@pytest.mark.slow
@needs_gettext
def test_unseen_and_corrected_texts_exist_in_libraries():
    files = {
        path.relative_to(folder.parent).as_posix()
        for folder in map(library_folder, LIBRARIES)
        for path in folder.rglob("*.*")
    }
    for pattern in UNSEEN_FILES:
        assert any(re.match(pattern, file) for file in files), f"no library has {pattern} any more"
    texts = {entry.msgid for package in LIBRARIES for entry in library_messages(package, only_seen=False)}
    assert set(UNSEEN_TEXTS) <= texts
    assert {text for corrected in CORRECTED_TEXTS.values() for text in corrected} <= texts
