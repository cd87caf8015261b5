"""The message templates with which the shop starts: `orders/message_templates.csv`."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db.migrations import Migration

from orders.models import MessageTemplate

FILE = Path(__file__).parents[1] / "message_templates.csv"
FIRST = ("orders", "0001_initial")
"""The migration after which the templates are inserted."""


def read_default_templates() -> list[MessageTemplate]:
    """Return the unsaved templates of the file, sorted."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return [
            MessageTemplate(**{**row, "stages": row["stages"].split(), "sort": place * 10})
            for place, row in enumerate(csv.DictReader(file), start=1)
        ]


def load_default_templates() -> None:
    """Insert the templates of the file if there are no templates at all."""
    if not MessageTemplate.objects.exists():
        MessageTemplate.objects.bulk_create(read_default_templates())


def on_post_migrate(plan: Sequence[tuple[Migration, bool]] = (), **_kwargs: Any) -> None:
    """Insert the templates after the first migration only: staff may delete all of them later."""
    if any((migration.app_label, migration.name) == FIRST and not is_backward for migration, is_backward in plan):
        load_default_templates()
