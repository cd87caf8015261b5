"""Tests of the check that retired words are not used again."""

from pathlib import Path
from typing import Any

import pytest

from cvety_crm.dev.wording import uses
from cvety_crm.dev.wording.__main__ import main
from cvety_crm.dev.wording.terms import RETIRED, retired_words
from cvety_crm.dev.wording.uses import CATALOGUE, find_uses

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path):
    """Return a function that adds a file to an empty project."""

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    project: Any = write
    project.root = tmp_path
    return project


def words(text):
    return [word for _line, word, _instead in retired_words(text)]


@pytest.mark.parametrize("form", [form for forms in RETIRED for form in forms.split("|")])
def test_each_retired_form_is_found_with_its_replacement(form):
    ((line, word, instead),) = retired_words(f"\nIt is {form.upper()}, then.")
    assert (line, word) == (2, form.upper())
    assert instead in RETIRED.values()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def test_taken_over(): ...", ["taken_over"]),
        ("class PrintedMeanwhileError: ...", ["Meanwhile"]),
        ("job.takeOver()", ["take Over"]),
        ("florist_told_at", ["told"]),
        ("it takes\n    over", ["takes over"]),
        ("the name of it, a wholesome toldo, amended, rooms", []),
        ("Take care. Over there", []),
        ("in_words(text)", ["in_words"]),
        ("COURIER_GRACE", ["GRACE"]),
    ],
)
def test_retired_words_in_names_and_across_lines_are_found(text, found):
    assert words(text) == found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("orders/a.py", "# told"),
        ("tests/orders/test_a.py", "def test_nobody(): ..."),
        ("docs/a.md", "whoever"),
        ("README.md", "whoever"),
        ("templates/a.html", "{# anew #}"),
        ("static/a.js", "let nudge;"),
        ("static/a.css", "/* anew */"),
        ("bitrix_bridge/php/a.php", "// anew"),
        (CATALOGUE, '#: a.py\nmsgid "anew"\nmsgstr "x"\n'),
    ],
)
def test_retired_words_in_every_kind_of_file_are_found(project, path, text):
    project(path, text)
    assert [use.path for use in find_uses(project.root)] == [path]


def test_only_our_english_texts_of_the_catalogue_are_read(project):
    project(
        CATALOGUE,
        '#: told.py\nmsgid ""\n"one"\n"anew"\nmsgstr "told"\n\n# library\nmsgid "whoever"\nmsgstr ""\n\n'
        '#: a.py\nmsgid "a"\nmsgid_plural "nobody"\nmsgstr[0] "told"\n',
    )
    assert [(use.line, use.word) for use in find_uses(project.root)] == [(4, "anew"), (13, "nobody")]


def test_exception_names_without_error_are_found(project):
    project("orders/a.py", "class Refused(Exception):\n    pass\nclass LinkError(Refused): ...\n")
    project(
        "notifications/b.py", "class Lost(\n    a.LinkError,\n): ...\nclass Row(Table): ...\nclass Gone(Http404): ...\n"
    )
    found = [(use.path, use.line, use.word) for use in find_uses(project.root)]
    assert found == [
        ("notifications/b.py", 1, "Lost"),
        ("notifications/b.py", 5, "Gone"),
        ("orders/a.py", 1, "Refused"),
    ]


def test_check_prints_each_use_and_fails(project, capsys):
    project("orders/a.py", "# told\n\n# the stand-in")
    assert main(project.root) == 1
    assert capsys.readouterr().out == (
        f"orders/a.py:1: “told”: {RETIRED['told|tell rows']}\n"
        f"orders/a.py:3: “stand-in”: {RETIRED['stand in|stand ins']}\n"
    )


def test_check_passes_silently_without_uses(project, capsys):
    project("orders/a.py", "# notified")
    assert main(project.root) == 0
    assert capsys.readouterr().out == ""


def test_system_user_nobody_is_allowed_only_where_it_is_used(project):
    project("cvety_crm/dev/embedded_postgres.py", "nobody told")
    project("orders/a.py", "nobody")
    assert [(use.path, use.word) for use in find_uses(project.root)] == [
        ("cvety_crm/dev/embedded_postgres.py", "told"),
        ("orders/a.py", "nobody"),
    ]


def test_each_allowed_use_is_still_needed(monkeypatch):
    allowed = set(uses.ALLOWED)
    monkeypatch.setattr(uses, "ALLOWED", frozenset())
    assert {(use.path, use.word) for use in find_uses(ROOT)} == allowed


def test_project_has_no_retired_words():
    assert find_uses(ROOT) == []
