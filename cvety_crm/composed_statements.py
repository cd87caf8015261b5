"""SQL statements that Django composes once and that run again with other parameters.

Composing a statement with many conditions takes longer than running it. A statement is an ordinary query in which a
`Parameter` stands for each value that differs from one execution to the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Expression, Field, QuerySet


class Parameter(Expression):
    """A value that is given at each execution. A `timedelta` may be added to it."""

    def __init__(self, name: str, output_field: "Field[Any, Any]", offset: timedelta | None = None) -> None:
        super().__init__(output_field=output_field)
        self.name, self.offset = name, offset

    def __add__(self, other: timedelta) -> "Parameter":  # type: ignore[override]
        return Parameter(self.name, self.output_field, (self.offset or timedelta()) + other)

    def __sub__(self, other: timedelta) -> "Parameter":  # type: ignore[override]
        return self + -other

    def as_sql(self, *_arguments: Any, **_extra: Any) -> tuple[str, Any]:
        """Return a placeholder, with the parameter itself as its value."""
        return "%s", [self]

    def value(self, values: Mapping[str, Any]) -> Any:
        """Return the value of the parameter among the values of one execution."""
        given = values[self.name]
        return given if self.offset is None or given is None else given + self.offset


@dataclass(frozen=True, slots=True)
class Statement:
    """A composed statement."""

    sql: str
    parameters: Sequence[Any]
    """Constants and instances of `Parameter`, in the sequence of the placeholders."""

    @classmethod
    def of(cls, query: QuerySet[Any]) -> "Statement":
        """Compose the statement of a query. Raise `EmptyResultSet` if no row can match it."""
        sql, parameters = query.query.sql_with_params()
        return cls(sql, parameters)

    @classmethod
    def beside(cls, statements: Sequence["Statement"]) -> "Statement":
        """Return a statement whose rows have the columns of all these statements. Each of them must have one row."""
        sources = ", ".join(f"({one.sql}) AS part{number}" for number, one in enumerate(statements))
        parameters = [given for one in statements for given in one.parameters]
        return cls(f"SELECT * FROM {sources}", parameters)  # noqa: S608 - Django has composed the sources

    def rows(self, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows of the statement for these values of its parameters."""
        given = [one.value(values) if isinstance(one, Parameter) else one for one in self.parameters]
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(self.sql, given)
            return cursor.fetchall()
