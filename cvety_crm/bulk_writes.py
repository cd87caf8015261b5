"""Inserts, updates and deletes that are collected and sent to the database together, usually as one statement.

The rows of a table are sent as one JSON array, so the text of a statement depends only on the tables and the columns,
and PostgreSQL receives one statement for any number of rows. Django composes no statement, and no save signal is sent.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, models
from django.db.models.expressions import DatabaseDefault

from cvety_crm.model_fields import column_field

Columns = tuple[str, ...]
"""Names of fields (`Field.attname`) in a fixed order."""


class Writes:
    """Rows to insert, to update and to delete. They are sent by `flush`, and the caller owns the transaction.

    The rows of one `flush` may refer to each other, because foreign keys are checked at the end of the transaction. A
    row must not be read from the database before the flush.
    """

    def __init__(self, *, keeps_times: bool = False) -> None:
        """Take whether new rows keep a time of the last change that is set, and do not get the present time."""
        self._keeps_times = keeps_times
        self._inserts: dict[type[models.Model], dict[Any, models.Model]] = {}
        self._updates: dict[type[models.Model], dict[Any, tuple[models.Model, set[str]]]] = {}
        self._deletes: dict[type[models.Model], set[Any]] = {}

    def insert(self, *rows: models.Model) -> None:
        """Insert these new rows. Their primary keys are set, or chosen by PostgreSQL and not known afterwards."""
        for row in rows:
            self._inserts.setdefault(type(row), {})[id(row) if row.pk is None else row.pk] = row

    def update(self, row: models.Model, names: Iterable[str]) -> None:
        """Save these fields of an existing row, with their values at the flush. A new row is inserted whole."""
        if row.pk in self._inserts.get(type(row), ()):
            return
        _row, known = self._updates.setdefault(type(row), {}).setdefault(row.pk, (row, set()))
        known.update(names)

    def delete(self, model: type[models.Model], keys: Iterable[Any]) -> None:
        """Delete the rows with these primary keys. Nothing that refers to them is deleted."""
        for key in keys:
            self._updates.get(model, {}).pop(key, None)
            if self._inserts.get(model, {}).pop(key, None) is None:
                self._deletes.setdefault(model, set()).add(key)

    def flush(self) -> None:
        """Send everything that was collected, with one statement, and with up to three if rows replace other rows.

        A row may take a unique value over from a row that is deleted or updated, so these come first: PostgreSQL does
        not say in which sequence it executes the parts of one statement. Raise `IntegrityError` and the other errors of
        the database as `Model.save` does.
        """
        deletes, updates, inserts = self._take_deletes(), self._take_updates(), self._take_inserts()
        replaced = {part.model for part in inserts} | {part.model for part in deletes}
        first = [part for part in updates if part.model in replaced]
        _execute(deletes)
        _execute(first)
        _execute([*(part for part in updates if part not in first), *inserts])

    def _take_deletes(self) -> list["_Part"]:
        taken, self._deletes = self._deletes, {}
        return [_Part("delete", model, (), [str(key) for key in sorted(keys)]) for model, keys in taken.items() if keys]

    def _take_updates(self) -> list["_Part"]:
        taken, self._updates = self._updates, {}
        found: dict[tuple[type[models.Model], Columns], list[Any]] = {}
        for model, rows in taken.items():
            for row, names in rows.values():
                names.update(_set_derived(row, names))
                columns = _columns_of(model, frozenset(names))
                found.setdefault((model, columns), []).append(_values(row, columns, is_new=False))
        return [_Part("update", model, columns, rows) for (model, columns), rows in found.items()]

    def _take_inserts(self) -> list["_Part"]:
        taken, self._inserts = self._inserts, {}
        found: dict[tuple[type[models.Model], Columns], list[Any]] = {}
        for model, rows in taken.items():
            for row in rows.values():
                _set_derived(row, None)
                columns = _given_columns(row)
                found.setdefault((model, columns), []).append(self._new_values(row, columns))
                row._state.adding, row._state.db = False, connection.alias
        return [_Part("insert", model, columns, rows) for (model, columns), rows in found.items()]

    def _new_values(self, row: models.Model, columns: Columns) -> dict[str, Any]:
        kept = {field.attname: row.__dict__[field.attname] for field in _computed(type(row)) if self._keeps_times}
        values = _values(row, columns, is_new=True)
        for field in _computed(type(row)):
            if getattr(field, "auto_now", False) and field.attname in columns and kept.get(field.attname) is not None:
                values[str(field.column)] = kept[field.attname]
        return values


def _set_derived(row: models.Model, names: set[str] | None) -> Iterable[str]:
    """Let a model set the fields that it computes from those to save (all, if `names` is None). Return their names."""
    set_derived_fields: Callable[[Collection[str] | None], list[str]] | None = getattr(row, "set_derived_fields", None)
    return set_derived_fields(names) if set_derived_fields is not None else ()


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one table on which one operation is executed, with values for the same columns."""

    operation: str
    model: type[models.Model]
    columns: Columns
    rows: Sequence[Any]


def _execute(parts: Sequence[_Part]) -> None:
    if not parts:
        return
    texts = [_text(part.operation, part.model, part.columns) for part in parts]
    *others, main = texts
    named = ", ".join(f"part_{number} AS ({text})" for number, text in enumerate(others))
    parameters = [_parameter(part) for part in parts]
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {named} {main}" if named else main, parameters)


def _parameter(part: _Part) -> Any:
    return part.rows if part.operation == "delete" else json.dumps(part.rows, default=str, ensure_ascii=False)


@cache
def _text(operation: str, model: type[models.Model], columns: Columns) -> str:
    """Return the text of a statement. Its only parameter has all rows."""
    quote = connection.ops.quote_name
    table, key = quote(model._meta.db_table), quote(_key(model).column)
    if operation == "delete":
        return f"DELETE FROM {table} WHERE {key} = ANY(%s::{_key(model).db_type(connection)}[])"  # noqa: S608 - names of the models
    known = _column_names(model)
    names = [quote(known[name]) for name in columns]
    rows = f"json_populate_recordset(NULL::{table}, %s::json)"
    if operation == "insert":
        listed = ", ".join(names)
        return f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {rows}"  # noqa: S608
    assignments = ", ".join(f"{name} = new_row.{name}" for name in names if name != key)
    return f"UPDATE {table} SET {assignments} FROM {rows} AS new_row WHERE {table}.{key} = new_row.{key}"  # noqa: S608


def _key(model: type[models.Model]) -> Any:
    return model._meta.pk


@cache
def _stored(model: type[models.Model]) -> Columns:
    return tuple(field.attname for field in model._meta.concrete_fields if not field.generated)


@cache
def _columns_of(model: type[models.Model], names: frozenset[str]) -> Columns:
    """Return the columns of these fields and the primary key, in the order of the model."""
    wanted = {column_field(model, name).attname for name in names} | {_key(model).attname}
    return tuple(name for name in _stored(model) if name in wanted)


def _given_columns(row: models.Model) -> Columns:
    """Return the columns of a new row, without those whose value PostgreSQL chooses."""
    values, model = row.__dict__, type(row)
    chosen = _key(model).attname if row.pk is None else None
    return tuple(name for name in _stored(model) if name != chosen and not isinstance(values[name], DatabaseDefault))


@cache
def _computed(model: type[models.Model]) -> tuple[Any, ...]:
    """Return the fields that compute their value when a row is saved, such as the time of the change."""
    return tuple(field for field in model._meta.concrete_fields if type(field).pre_save is not models.Field.pre_save)


def _values(row: models.Model, columns: Columns, *, is_new: bool) -> dict[str, Any]:
    model = type(row)
    for field in _computed(model):
        if field.attname in columns:
            field.pre_save(row, is_new)
    names, values = _column_names(model), row.__dict__
    return {names[name]: values[name] if name in values else getattr(row, name) for name in columns}


@cache
def _column_names(model: type[models.Model]) -> dict[str, str]:
    return {field.attname: str(field.column) for field in model._meta.concrete_fields}
