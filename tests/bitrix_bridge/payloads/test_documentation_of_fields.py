"""Tests that docs/bitrix.md documents how each shared field is sent to the site."""

import re
from pathlib import Path

from django.conf import settings

from bitrix_bridge.payloads.outgoing import COLUMNS, PROPERTIES
from orders.sync.fields import FIELDS, ITEMS

TEXT = (Path(settings.BASE_DIR) / "docs" / "bitrix.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.split("## How each field is sent to the site")[1].split("\n## ")[0].splitlines()
    if line.startswith("| `")
]


def test_documentation_lists_every_field_once():
    named = [name for row in ROWS for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(named) == sorted([*FIELDS, ITEMS])


def test_documentation_marks_fields_that_are_never_sent():
    for row in ROWS:
        for name in re.findall(r"`(\w+)`", row[0]):
            is_pushed = name == ITEMS or FIELDS[name].is_pushed
            assert ("order." in row[2]) == is_pushed, name


def test_documentation_has_the_names_that_are_sent():
    for name, sent in (*COLUMNS.items(), *PROPERTIES.items()):
        (row,) = (row for row in ROWS if f"`{name}`" in row[0])
        assert f"`{sent}`" in row[1], name
