"""Reading one object of a payload field by field, so that whatever nobody asked for is kept."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeVar

from bitrix_bridge.payloads.dates import read_clock, read_moment
from bitrix_bridge.payloads.names import fold
from bitrix_bridge.payloads.reading import Reader, Reading
from bitrix_bridge.payloads.secrets import is_secret
from bitrix_bridge.payloads.storable import add_under_free_key, storable
from bitrix_bridge.payloads.values import read_phone
from orders.sync.snapshot import Problem, ProblemReason

T = TypeVar("T")


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""A key that is not there, which is not the same as a key with null."""


def is_empty(raw: Any) -> bool:
    """Return whether a raw value is one of PHP's ways to say "none": null, `''`, `[]`, `{}`."""
    return raw is None or (isinstance(raw, str | list | Mapping) and not raw)


class Fields:
    """The fields of an object under any spelling of their names; those taken are no longer there."""

    def __init__(self, source: Mapping[Any, Any] | Iterable[tuple[str, Any]]) -> None:
        self._values: dict[str, list[tuple[str, Any]]] = {}
        for key, value in source.items() if isinstance(source, Mapping) else source:
            self._values.setdefault(fold(key), []).append((str(key), value))

    def peek(self, name: str) -> Any:
        """Return the field's value, ABSENT when there is none; of several spellings the first that is not empty."""
        spellings = self._values.get(fold(name))
        if not spellings:
            return ABSENT
        return next((value for _, value in spellings if not is_empty(value)), spellings[0][1])

    def take(self, name: str) -> Any:
        """Return the field's value as `peek` does and remove it, and its empty twins with it."""
        spellings = self._values.get(fold(name))
        if spellings and len(spellings) == 1:
            del self._values[fold(name)]
            return spellings[0][1]
        chosen = self.peek(name)
        left = [(key, value) for key, value in self._values.pop(fold(name), []) if not is_empty(value)]
        position = next((index for index, (_, value) in enumerate(left) if value is chosen), None)
        if position is not None:
            del left[position]
        if left:
            self._values[fold(name)] = left
        return chosen

    def rest(self) -> list[tuple[str, Any]]:
        """Return the fields that nobody has taken, under the keys they were sent with."""
        return [pair for spellings in self._values.values() for pair in spellings]


@dataclass
class Translation:
    """An object of the payload on its way into columns.

    `kept` receives what has no column and what could not be read, raw; `readable` the names of what could be read;
    `where` stands before a field's name in problems.
    """

    source: Fields
    where: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    readable: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def column(self, name: str, column: str, reader: Reader[T], *, empty: Any = ABSENT) -> None:
        """Read the wire field `name` into `column`; an empty one gives `empty`, or is treated as absent."""
        raw = self.source.take(name)
        if raw is not ABSENT:
            self.store(column, self.interpret(name, raw, reader), empty=empty)

    def read(self, name: str, reader: Reader[T]) -> T | None:
        """Read the wire field `name` for another purpose than a column; None when absent, empty or unreadable."""
        raw = self.source.take(name)
        return None if raw is ABSENT else self.interpret(name, raw, reader).value

    def clock(self, name: str) -> datetime | None:
        """Read a time to put events in order by; a date without a time of day is none, and is kept."""
        raw = self.source.peek(name)
        moment = self.read(name, read_clock)
        if moment is None and raw is not ABSENT and read_moment(raw).value is not None:
            self.keep(name, raw)
        return moment

    def phone(self, name: str, column: str, raw: Any, reader: Reader[str] = read_phone) -> None:
        """Read a phone into `column`; a text that says more than the number is kept as well."""
        reading = self.interpret(name, raw, reader)
        self.store(column, reading, empty="")
        if reading.value and reading.reason is None and says_more_than_a_number(raw):
            self.keep(name, raw)

    def interpret(self, name: str, raw: Any, reader: Reader[T]) -> Reading[T]:
        """Read a raw value; when it cannot be taken as it is, name the problem and keep the value."""
        reading = reader(raw)
        if reading.reason is not None:
            self.flag(name, raw, reading.reason)
        else:
            self.readable.add(name)
        return reading

    def store(self, column: str, reading: Reading[T], *, empty: Any = ABSENT) -> None:
        """Put what was read into `column`: the value; `empty` when it said nothing; nothing if unreadable."""
        if reading.value is not None:
            self.fields[column] = reading.value
        elif reading.reason is None and empty is not ABSENT:
            self.fields[column] = empty

    def flag(self, name: str, raw: Any, reason: ProblemReason) -> None:
        """Name a problem and keep the raw value."""
        value = storable(raw)
        self.problems.append(Problem(self.where + name, value, reason))
        self.keep(name, value)

    def keep(self, name: str, raw: Any) -> None:
        """Keep a raw value under its wire name, unless it is a secret."""
        if not is_secret(name):
            add_under_free_key(self.kept, name, storable(raw))

    def keep_rest(self, rename: Callable[[str], str] = str) -> None:
        """Keep every field that nobody has taken."""
        for key, raw in self.source.rest():
            self.keep(rename(key), raw)


def says_more_than_a_number(raw: Any) -> bool:
    """Return whether a phone field holds a second number or words ("Айгуль, после 18")."""
    text = str(raw)
    return sum(char.isdigit() for char in text) > 11 or any(char.isalpha() for char in text)
