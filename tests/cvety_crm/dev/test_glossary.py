"""docs/glossary.md: every row is complete and leads to a file."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| term ")
]


def test_every_row_has_a_term_a_russian_word_a_sentence_and_a_place():
    assert ROWS
    for row in ROWS:
        term, russian, sentence, place = row
        assert term, row
        assert russian == "–" or re.search("[а-я]", russian, re.IGNORECASE), row
        assert sentence.endswith("."), row
        assert re.fullmatch("`[^`]+`", place), row


def test_every_place_exists():
    assert [row[3] for row in ROWS if not (ROOT / row[3].strip("`")).exists()] == []


def test_no_term_is_explained_twice():
    terms = [row[0] for row in ROWS]
    assert sorted(terms) == sorted(set(terms))
