"""Tests of the compilation of the message file without GNU gettext, including a file whose source has changed."""

import os

import polib
import pytest
from django.core.checks import run_checks

from cvety_crm.i18n.catalogue import compile_catalogue, is_compiled, placeholders
from cvety_crm.ops import checks


@pytest.fixture
def source(tmp_path):
    catalogue = polib.POFile()
    catalogue.append(polib.POEntry(msgid="Day", msgstr="День"))
    catalogue.save(str(tmp_path / "django.po"))
    return tmp_path / "django.po"


def test_compiled_catalogue_has_the_translations(source):
    compiled = compile_catalogue(source)
    assert compiled == source.with_suffix(".mo")
    assert [(entry.msgid, entry.msgstr) for entry in polib.mofile(str(compiled))] == [("Day", "День")]
    assert compiled.stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in source.parent.iterdir()) == ["django.mo", "django.po"]


def test_catalogue_is_not_compiled_when_its_source_is_newer(source):
    assert not is_compiled(source)
    compiled = compile_catalogue(source)
    assert is_compiled(source)
    changed = compiled.stat().st_mtime + 1
    os.utime(source, (changed, changed))
    assert not is_compiled(source)


def test_placeholders_are_sorted_and_without_percent_signs():
    assert placeholders("%(b)s of %s, {a}, {point:X}, 100%%, 5%") == ["%(b)s", "%s", "{a}", "{point:X}"]


def test_system_check_reports_a_missing_compiled_catalogue(monkeypatch, tmp_path):
    assert not [error for error in run_checks() if error.id == "cvety_crm.E003"]
    monkeypatch.setattr(checks, "COMPILED", tmp_path / "django.mo")
    (error,) = [error for error in run_checks() if error.id == "cvety_crm.E003"]
    assert error.hint == "Run python -m cvety_crm.i18n.catalogue"
