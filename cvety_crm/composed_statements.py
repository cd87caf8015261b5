"""SQL statements that Django composes once and that run again with other parameters.

Composing a statement with many conditions takes longer than running it. A statement is an ordinary query in which a
`Parameter` stands for each value that differs from one execution to the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import BooleanField, Expression, F, Field, Func, Model, QuerySet
from django.db.models.query import get_related_populators

_Model = TypeVar("_Model", bound=Model)


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


class AnyOf(Func):
    """The condition that a column has one of the values of a parameter, which is a list. The list may be empty."""

    template = "%(expressions)s::%(type)s[])"
    arg_joiner = " = ANY("

    def __init__(self, column: str, name: str, field: "Field[Any, Any]") -> None:
        element: Any = field
        kind = element.rel_db_type(connections[DEFAULT_DB_ALIAS])
        super().__init__(F(column), Parameter(name, field), type=kind, output_field=BooleanField())


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


class ModelStatement(Generic[_Model]):
    """A composed statement whose rows are objects of a model, with those of `select_related`."""

    def __init__(self, query: "QuerySet[_Model, Any]") -> None:
        """Compose the statement. Annotations and prefetched objects are not supported."""
        compiler = query.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        self._statement = Statement(sql, parameters)
        # Django reads the rows of a query in this way too (`ModelIterable`).
        information: Any = compiler.klass_info
        columns: Any = compiler.select
        own = information["select_fields"]
        self._model: type[_Model] = information["model"]
        self._own = slice(own[0], own[-1] + 1)
        self._names = [column[0].target.attname for column in columns[self._own]]
        self._converters = compiler.get_converters([column[0] for column in columns])
        # The stubs are those of a later Django.
        self._related = get_related_populators(information, columns, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]

    def objects(self, values: Mapping[str, Any]) -> list[_Model]:
        """Return the objects for these values of the parameters."""
        return [self._object(list(row)) for row in self._statement.rows(values)]

    def _object(self, row: list[Any]) -> _Model:
        database = connections[DEFAULT_DB_ALIAS]
        for place, (converters, expression) in self._converters.items():
            for convert in converters:
                row[place] = convert(row[place], expression, database)
        one = self._model.from_db(DEFAULT_DB_ALIAS, self._names, row[self._own])
        for related in self._related:
            related.populate(row, one)
        return one
