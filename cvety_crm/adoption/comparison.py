"""Compare the columns of an earlier table with those of the CRM."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from cvety_crm.adoption.catalogue import Column, StoredTable

_SIZED = re.compile(r"([a-z ]+?) ?\(([0-9]+)(?:,([0-9]+))?\)(.*)", re.DOTALL)
_FAMILIES = {
    "character varying": "text", "varchar": "text", "character": "text", "text": "text",
    "smallint": "integer", "integer": "integer", "bigint": "integer",
    "numeric": "number", "real": "number", "double precision": "number",
    "json": "json", "jsonb": "json",
}  # fmt: skip
_INTEGERS = ("smallint", "integer", "bigint")
_UNLIMITED = 10**9


class Difference(Enum):
    """How a column of the earlier table differs from the CRM's."""

    MISSING = "missing"
    WIDER = "wider"
    NARROWER = "narrower"
    OTHER_TYPE = "other type"
    UNKNOWN = "unknown"


LABELS = {
    Difference.MISSING: _("is missing, is filled"),
    Difference.WIDER: _("is wider"),
    Difference.NARROWER: _("is narrower"),
    Difference.OTHER_TYPE: _("has another type"),
    Difference.UNKNOWN: _("is unknown, is kept"),
}


@dataclass(frozen=True, slots=True)
class ColumnDifference:
    """One column that differs. A type that a side does not have is empty."""

    column: str
    kind: Difference
    theirs: str = ""
    ours: str = ""


def compare_table(table: StoredTable, model: type[models.Model], read: Collection[str]) -> list[ColumnDifference]:
    """Return the columns that differ, those of the earlier table first. `read` are the columns that the CRM reads."""
    ours = {
        str(field.column): str(field.db_type(connection))
        for field in model._meta.concrete_fields
        if not field.generated
    }
    found = [_compare(column, ours.get(name), name in read) for name, column in table.columns.items()]
    missing = [
        ColumnDifference(name, Difference.MISSING, ours=kind)
        for name, kind in ours.items()
        if name not in table.columns
    ]
    return [one for one in found if one is not None] + missing


def _compare(column: Column, ours: str | None, is_read: bool) -> ColumnDifference | None:
    if ours is None:
        return None if is_read else ColumnDifference(column.name, Difference.UNKNOWN, theirs=column.type)
    their_family, their_size = _measured(column.type)
    our_family, our_size = _measured(ours)
    if their_family != our_family:
        return ColumnDifference(column.name, Difference.OTHER_TYPE, column.type, ours)
    if their_size == our_size:
        return None
    kind = Difference.WIDER if their_size > our_size else Difference.NARROWER
    return ColumnDifference(column.name, kind, column.type, ours)


def _measured(kind: str) -> tuple[str, tuple[int, int]]:
    """Return what a type stores, and how much: characters, or digits and decimals."""
    if match := _SIZED.fullmatch(kind.replace(", ", ",")):
        name, size = (match[1] + match[4]).strip(), (int(match[2]), int(match[3] or 0))
        return _FAMILIES.get(name, name), (size[0] - size[1], size[1])
    if kind in _INTEGERS:
        return "integer", (_INTEGERS.index(kind), 0)
    return _FAMILIES.get(kind, kind), (_UNLIMITED, 0)
