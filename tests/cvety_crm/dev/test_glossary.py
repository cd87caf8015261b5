"""Tests that every row of docs/glossary.md is complete and names an existing file."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| term ")
]


def test_every_glossary_row_has_term_russian_sentence_and_place():
    assert ROWS
    for row in ROWS:
        term, russian, sentence, place = row
        assert term, row
        assert russian == "–" or re.search("[а-я]", russian, re.IGNORECASE), row
        assert sentence.endswith("."), row
        assert re.fullmatch("`[^`]+`", place), row


def test_every_place_of_the_glossary_exists():
    assert [row[3] for row in ROWS if not (ROOT / row[3].strip("`")).exists()] == []


def test_every_glossary_term_is_explained_once():
    terms = [row[0] for row in ROWS]
    assert sorted(terms) == sorted(set(terms))
