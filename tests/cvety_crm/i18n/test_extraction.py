"""Tests of the extraction of messages from source files: every form of a message is found, and no other string."""

import shutil
from pathlib import Path

import pytest

from cvety_crm.i18n import extraction
from cvety_crm.i18n.extraction import GettextMissingError, extract_messages, source_files

needs_gettext = pytest.mark.skipif(shutil.which("xgettext") is None, reason="needs GNU gettext")


@pytest.fixture
def extract(tmp_path):
    """Return a function that writes a source file and returns its messages as (context, message, plural)."""

    def run(source, name="app/module.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        return [
            (entry.msgctxt, entry.msgid, entry.msgid_plural or None) for entry in extract_messages([file], tmp_path)
        ]

    return run


@needs_gettext
def test_texts_of_every_gettext_function_are_extracted(extract):
    assert extract(
        """
a = _("one")
b = translation.gettext("two")
c = gettext_lazy("three")
d = gettext_noop("four")
e = pgettext("person", "name")
f = ngettext("%(n)s order", "%(n)s orders", n)
g = npgettext_lazy("list", "%(n)s row", "%(n)s rows", n)
"""
    ) == [
        (None, "one", None),
        (None, "two", None),
        (None, "three", None),
        (None, "four", None),
        ("person", "name", None),
        (None, "%(n)s order", "%(n)s orders"),
        ("list", "%(n)s row", "%(n)s rows"),
    ]


@needs_gettext
def test_concatenated_and_nested_texts_are_extracted(extract):
    assert extract('_("one " "text")') == [(None, "one text", None)]
    found = extract('_("a") if gettext("b") else ngettext("c", "d", len(_("e")))')
    assert sorted(found) == [(None, "a", None), (None, "b", None), (None, "c", "d"), (None, "e", None)]


@needs_gettext
def test_computed_texts_are_not_extracted(extract):
    assert extract('gettext(name); pgettext("weekday", DAYS[0]); other("text"); _()') == []


@needs_gettext
def test_texts_of_every_template_tag_are_extracted(extract):
    assert extract(
        """{% load i18n %}
<a title="{% translate "Open it" %}">{% trans 'It is "open"' context "door" %}</a>
{% blocktranslate count n=x %}One {{ n }} of {{ total }}{% plural %}Many: {{ n }}{% endblocktranslate %}
{% include "x.html" with title=_("Title") %}
{% blocktranslate trimmed %}
  two
  lines
{% endblocktranslate %}
{% comment %}{% translate "not this" %}{% endcomment %}""",
        "app/templates/page.html",
    ) == [
        (None, "Open it", None),
        ("door", 'It is "open"', None),
        (None, "One %(n)s of %(total)s", "Many: %(n)s"),
        (None, "Title", None),
        (None, "two lines", None),
    ]


@needs_gettext
def test_text_in_two_files_is_one_entry_with_both_occurrences(tmp_path):
    files = [tmp_path / "locale/b.py", tmp_path / "a.py"]
    (tmp_path / "locale").mkdir()
    files[0].write_text('_("both")')
    files[1].write_text('_("only a"); _("both")')
    found = [(entry.msgid, entry.occurrences) for entry in extract_messages(files, tmp_path)]
    assert found == [("both", [("locale/b.py", ""), ("a.py", "")]), ("only a", [("a.py", "")])]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.py", "b.py", "locale"]


def test_source_files_are_python_files_and_templates(tmp_path):
    (tmp_path / "app/templates").mkdir(parents=True)
    for name in ("models.py", "notes.txt", "templates/page.html", "templates/mail.txt", "templates/page.js"):
        (tmp_path / "app" / name).touch()
    found = [file.relative_to(tmp_path).as_posix() for file in source_files(tmp_path / "app")]
    assert found == ["app/models.py", "app/templates/mail.txt", "app/templates/page.html"]


def test_missing_gettext_raises_error_with_the_install_command(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction.shutil, "which", lambda _name: None)
    with pytest.raises(GettextMissingError, match=r"^xgettext is missing: install GNU gettext .*apt-get"):
        extract_messages([Path(tmp_path, "a.py")], tmp_path)
