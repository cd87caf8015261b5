"""Read fields of a model by name."""

from typing import Any

from django.db.models import Field, Model


def column_field(model: type[Model], name: str) -> "Field[Any, Any]":
    """Return the field of this name.

    Raise `FieldDoesNotExist` if there is no such field, and `TypeError` if it is a relation without a column.
    """
    field = model._meta.get_field(name)
    if not isinstance(field, Field):
        raise TypeError(f"{model.__name__}.{name} has no column")
    return field


def field_label(model: type[Model], name: str) -> str:
    """Return a field's label in the active language."""
    return str(column_field(model, name).verbose_name)
