"""Read one object of a payload field by field, and keep the fields that have no column."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeVar

from bitrix_bridge.payloads.dates import read_clock, read_moment
from bitrix_bridge.payloads.memory import Memory, is_short
from bitrix_bridge.payloads.names import FOLDED, fold
from bitrix_bridge.payloads.reading import Reader, Reading
from bitrix_bridge.payloads.storable import STORED_NAMES, add_under_free_key, storable
from bitrix_bridge.payloads.values import phones_besides_the_first, read_phone
from orders.sync.snapshot import Problem, ProblemReason
from orders.values.text import clean_line

T = TypeVar("T")


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""The value of a missing key. A key with the value null is not missing."""


def is_empty(raw: Any) -> bool:
    """Return whether a raw value is one of PHP's empty values: null, `''`, `[]`, `{}`."""
    return not raw and (raw is None or isinstance(raw, str | list | Mapping))


class Fields:
    """The fields of an object. A field is found by any spelling of its name. `take` removes a field."""

    __slots__ = ("_is_shared", "_names", "_places", "_values")

    def __init__(self, source: Mapping[Any, Any] | Iterable[tuple[str, Any]]) -> None:
        keys: tuple[Any, ...]
        if isinstance(source, dict | Mapping):
            keys, self._values = tuple(source), tuple(source.values())
        else:
            pairs = list(source)
            keys, self._values = tuple(key for key, _ in pairs), tuple(value for _, value in pairs)
        self._names, self._places = _LAYOUTS[keys]
        self._is_shared = True

    def peek(self, name: str) -> Any:
        """Return the field's value, or ABSENT if the field is missing.

        If the object contains several spellings of the name, return the first value that is not empty.
        """
        places = self._places.get(FOLDED[name])
        if places is None:
            return ABSENT
        return self._values[places[0] if len(places) == 1 else self._chosen(places)]

    def take(self, name: str) -> Any:
        """Return the value that `peek` returns. Remove this value and the empty values under other spellings."""
        folded = FOLDED[name]
        places = self._places.get(folded)
        if places is None:
            return ABSENT
        if self._is_shared:
            self._places, self._is_shared = self._places.copy(), False
        del self._places[folded]
        if len(places) == 1:
            return self._values[places[0]]
        chosen = self._chosen(places)
        if left := [place for place in places if place != chosen and not is_empty(self._values[place])]:
            self._places[folded] = tuple(left)
        return self._values[chosen]

    def rest(self) -> list[tuple[str, Any]]:
        """Return the fields that were not taken, with their original keys."""
        return [(self._names[place], self._values[place]) for places in self._places.values() for place in places]

    def _chosen(self, places: tuple[int, ...]) -> int:
        return next((place for place in places if not is_empty(self._values[place])), places[0])


def _layout(keys: tuple[Any, ...]) -> tuple[tuple[str, ...], dict[str, tuple[int, ...]]]:
    """Return the names of an object's fields, and the places of each folded name, which may have several spellings."""
    names = tuple(map(str, keys))
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(fold(name), []).append(place)
    return names, {name: tuple(found) for name, found in places.items()}


def _is_usual(keys: tuple[Any, ...]) -> bool:
    # 1 and True are equal keys with different names.
    return len(keys) <= _MOST_NAMES and all(type(key) is str and is_short(key) for key in keys)


_MOST_NAMES = 256
_LAYOUTS = Memory(_layout, is_remembered=_is_usual, most=512)
"""The keys of an object -> its layout. The objects of one sender have few different layouts."""


@dataclass
class Translation:
    """The translation of one object of a payload into columns.

    `kept` contains the raw values that have no column or could not be read. `readable` contains the names of the fields
    that were read, and `unread` the texts of the columns that could not be read. `where` is the prefix of the names of
    unreadable fields in `problems`.
    """

    source: Fields
    where: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    readable: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def column(self, name: str, column: str, reader: Reader[T], *, empty: Any = ABSENT) -> None:
        """Read the payload's field `name` into `column`. If the field is empty, store `empty`, if that is given."""
        raw = self.source.take(name)
        if raw is not ABSENT:
            self.store(column, raw, self.interpret(name, raw, reader), empty=empty)

    def read(self, name: str, reader: Reader[T]) -> T | None:
        """Return the value of the payload's field `name`, or None if it is absent, empty or unreadable."""
        raw = self.source.take(name)
        return None if raw is ABSENT else self.interpret(name, raw, reader).value

    def clock(self, name: str) -> datetime | None:
        """Return a time by which events can be sorted. For a date without a time of day, return None and keep it."""
        raw = self.source.peek(name)
        moment = self.read(name, read_clock)
        if moment is None and raw is not ABSENT and read_moment(raw).value is not None:
            self.keep(name, raw)
        return moment

    def phone(self, name: str, column: str, other_column: str, raw: Any, reader: Reader[str] = read_phone) -> None:
        """Read a phone into `column`, and what else the field contains into `other_column`.

        If the field contains more than the number, also keep the raw value. `reader` returns `""` for an empty value.
        """
        reading = self.interpret(name, raw, reader)
        self.store(column, raw, reading)
        if others := phones_besides_the_first(joined(raw)) if column in self.fields else "":
            self.fields[other_column] = others
        if reading.value and reading.reason is None and contains_more_than_a_number(raw):
            self.keep(name, raw)

    def interpret(self, name: str, raw: Any, reader: Reader[T]) -> Reading[T]:
        """Read a raw value. If it is unreadable, record the field as unreadable and keep the raw value."""
        reading = reader(raw)
        if reading.reason is not None:
            self.flag(name, raw, reading.reason)
        else:
            self.readable.add(name)
        return reading

    def store(self, column: str, raw: Any, reading: Reading[T], *, empty: Any = ABSENT) -> None:
        """Store the value in `column`, or `empty` if the raw value was empty.

        Store the text of an unreadable value in `unread`.
        """
        if reading.value is not None:
            self.fields[column] = reading.value
        elif reading.reason is not None:
            self.unread[column] = as_typed(raw)
        elif empty is not ABSENT:
            self.fields[column] = empty

    def flag(self, name: str, raw: Any, reason: ProblemReason) -> None:
        """Record a field as unreadable, and keep its raw value."""
        value = storable(raw)
        self.problems.append(Problem(self.where + name, value, reason))
        self.keep(name, value)

    def keep(self, name: str, raw: Any) -> None:
        """Keep a raw value under its name in the payload, unless it is a secret."""
        stored_name = STORED_NAMES[name]
        if stored_name is not None:
            add_under_free_key(self.kept, stored_name, storable(raw))

    def keep_rest(self, rename: Callable[[str], str] = str) -> None:
        """Keep every field that was not taken."""
        for key, raw in self.source.rest():
            name = STORED_NAMES[rename(key)]
            if name in self.kept:
                add_under_free_key(self.kept, name, storable(raw))
            elif name is not None:
                self.kept[name] = storable(raw)


def as_typed(raw: Any) -> str:
    """Return a raw value as a text for staff."""
    value = storable(raw)
    return clean_line(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def joined(raw: Any) -> Any:
    """Return a list of scalars as one string, such as `"a, b"`. Return any other value unchanged."""
    if not isinstance(raw, list) or any(isinstance(value, list | Mapping) for value in raw):
        return raw
    values = [value for value in raw if not is_empty(value)]
    return values[0] if len(values) == 1 else ", ".join(str(value) for value in values)


def contains_more_than_a_number(raw: Any) -> bool:
    """Return whether a phone field contains a second number or other text ("Айгуль, после 18")."""
    text = str(raw)
    return sum(char.isdigit() for char in text) > 11 or any(char.isalpha() for char in text)
