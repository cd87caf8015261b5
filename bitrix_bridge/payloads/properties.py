"""Read the properties of an order or a product in every format that senders use.

The formats are `{code: value}`, `{code: {"CODE": …, "VALUE": …}}`, a list of such objects (also REST's
`propertyValues`), and `[]`, PHP's empty array. Other keys of such an object (name, group, sort) are left out, because
they describe the property and not the order. Only the name of the property and the name of the chosen value are read,
because staff read them as the label of a property that has no column.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bitrix_bridge.payloads.amounts import read_id
from bitrix_bridge.payloads.php_values import unserialize
from bitrix_bridge.payloads.reading import Reader, Reading
from bitrix_bridge.payloads.storable import storable
from bitrix_bridge.payloads.translation import ABSENT, Fields, Translation, is_empty, joined
from bitrix_bridge.payloads.values import other_phones, read_phone
from orders.values.text import clean_line

T = TypeVar("T")

_CHOICE_NAMES = ("VALUE_NAME", "VARIANT_NAME", "VALUE_ENUM")
"""The keys under which senders name the chosen value of a list property."""
_NUMBERED = re.compile(r"(?<=.)#\d+$")


@dataclass
class Labels:
    """The names of properties by code, and the names of chosen values by code and value."""

    names: dict[str, str] = field(default_factory=dict)
    choices: dict[str, dict[str, str]] = field(default_factory=dict)

    def read(self, code: str, fields: Fields, value: Any) -> None:
        """Read the names that a property contains that is sent as an object with these fields."""
        self._add(self.names, code, fields.peek("NAME"))
        for key in _CHOICE_NAMES:
            chosen = fields.peek(key)
            if chosen is ABSENT:
                continue
            values, names = (one if isinstance(one, list) else [one] for one in (value, chosen))
            if len(values) == len(names):
                for inner, name in zip(values, names, strict=True):
                    self._add(self.choices.setdefault(code, {}), str(inner), name)

    def read_maps(self, names: Any, choices: Any) -> None:
        """Read the names that an order contains beside its properties."""
        for code, name in names.items() if isinstance(names, Mapping) else ():
            self._add(self.names, str(code), name)
        for code, values in choices.items() if isinstance(choices, Mapping) else ():
            for value, name in values.items() if isinstance(values, Mapping) else ():
                self._add(self.choices.setdefault(str(code), {}), str(value), name)

    def update(self, other: "Labels") -> None:
        """Add the names of another list of properties."""
        self.names |= other.names
        self.choices |= other.choices

    def of(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parts of `Order.metadata` with the names of these properties. Empty properties need no names."""
        codes = {_NUMBERED.sub("", code) for code, value in kept.items() if not is_empty(value)}
        parts: dict[str, dict[str, Any]] = {
            "labels": {code: name for code, name in self.names.items() if code in codes},
            "choices": {code: names for code, names in self.choices.items() if code in codes and names},
        }
        return {part: storable(names) for part, names in parts.items() if names}

    @staticmethod
    def _add(target: dict[str, str], key: str, name: Any) -> None:
        if isinstance(name, str) and (text := clean_line(name)):
            target[key] = text


@dataclass
class PropertyList:
    """The properties of an object.

    `pairs` contains the code and the raw value of each property. `broken` contains the position and the raw value of
    each element that is not a property.
    """

    pairs: list[tuple[str, Any]] = field(default_factory=list)
    broken: list[tuple[str, Any]] = field(default_factory=list)
    labels: Labels = field(default_factory=Labels)

    def add(self, element: Any, key: str) -> bool:
        """Add a property that is sent as an object. Return False if the element is not a property."""
        if not isinstance(element, Mapping):
            return False
        fields = Fields(element)
        pair = _pair(element, fields, key)
        if pair is not None:
            self.pairs.append(pair)
            self.labels.read(pair[0], fields, pair[1])
        return pair is not None


def list_properties(raw: Any, where: str) -> PropertyList | None:
    """Return the properties, or None if the format of `raw` is unknown. `where` is their name in the payload."""
    found = PropertyList()
    if is_empty(raw) or raw is False:
        return found
    if isinstance(raw, Mapping):
        for key, value in raw.items():
            if not found.add(value, str(key)):
                found.pairs.append((str(key), _plain(value)))
        return found
    if not isinstance(raw, list):
        return None
    for index, element in enumerate(raw):
        if not found.add(element, f"#{index}"):
            found.broken.append((f"{where}[{index}]", element))
    return found


@dataclass
class PropertyTranslation(Translation):
    """The translation of properties into columns. Any property may be a list of several values."""

    labels: Labels = field(default_factory=Labels)

    def single(self, code: str, column: str, reader: Reader[T]) -> None:
        """Read a property that should have one value. If it has several, read the first value and keep the raw list."""
        raw = self.source.take(code)
        if raw is not ABSENT:
            self.store(column, raw, self._read_first(code, raw, reader), empty=None)

    def flag_of(self, codes: tuple[str, ...], column: str, reader: Reader[bool]) -> None:
        """Read a flag that the site may send under several codes. It is True if the value under any code is True.

        The raw values are also kept, because a change of the flag must be sent under the code that the site uses.
        """
        sent = {code: raw for code in codes if (raw := self.source.take(code)) is not ABSENT}
        found = [self._read_first(code, raw, reader) for code, raw in sent.items()]
        for code, raw in sent.items():
            self.keep(code, raw)
        if any(reading.value for reading in found):
            self.fields[column] = True
        elif found and all(reading.reason is None for reading in found):
            self.fields[column] = False

    def text(self, code: str, column: str, reader: Reader[str]) -> None:
        """Read a text. If the property has several values, join them. `reader` returns `""` for an empty value."""
        raw = self.source.take(code)
        if raw is not ABSENT:
            self.store(column, raw, self.interpret(code, raw, lambda sent: reader(joined(sent))))

    def phone_of(self, code: str, column: str, other_column: str, *, is_another: Callable[[str], bool]) -> None:
        """Read a phone. If the property has several values, read the first phone.

        `other_column` gets the other phones of the property, and those of each property whose code is `is_another`.
        These properties are also kept.
        """
        raw = self.source.take(code)
        if raw is not ABSENT:
            self.phone(code, column, other_column, raw, lambda sent: read_phone(joined(sent)))
        others = [sent for name, sent in self.source.rest() if is_another(name) and not is_empty(sent)]
        if others:
            known = self.fields.get(column, "")
            self.fields[other_column] = other_phones(known, self.fields.get(other_column, ""), others)

    def _read_first(self, code: str, raw: Any, reader: Reader[T]) -> Reading[T]:
        if not isinstance(raw, list):
            return self.interpret(code, raw, reader)
        values = [value for value in raw if not is_empty(value)]
        if len(values) > 1:
            self.keep(code, raw)
        return self.interpret(code, raw, lambda _: reader(values[0] if values else None))


def _pair(element: Mapping[Any, Any], fields: Fields, key: str) -> tuple[str, Any] | None:
    """Return the code and the value of a property that is sent as an object, or None if it is not a property."""
    value, code = fields.peek("VALUE"), fields.peek("CODE")
    has_code = isinstance(code, str) and bool(code.strip())
    if value is ABSENT and not (has_code and key.startswith("#")):
        return None
    if not has_code and key.startswith("#"):
        # A property without a code is identified by its id.
        code = read_id(fields.peek("ORDER_PROPS_ID")).value or read_id(fields.peek("ID")).value
        return (f"#{code}" if code else key), _plain(value)
    return (code.strip() if has_code else key), (element if value is ABSENT else _plain(value))


def _plain(value: Any) -> Any:
    """Return the value.

    An object with numeric keys becomes a list, because PHP encodes a list with gaps as an object. A serialized array,
    in which the site stores several values, also becomes a list.
    """
    if isinstance(value, str) and value.startswith("a:"):
        value = _unserialized(value)
    if isinstance(value, Mapping) and value and all(str(key).isdecimal() for key in value):
        value = list(value.values())
    if not isinstance(value, list):
        return value
    return [_inner_value(element) for element in value]


def _unserialized(text: str) -> Any:
    try:
        return unserialize(text)
    except ValueError:
        return text


def _inner_value(element: Any) -> Any:
    inner = Fields(element).peek("VALUE") if isinstance(element, Mapping) else ABSENT
    return element if inner is ABSENT else inner
