"""Read the properties of an order or a product in every format that senders use.

The formats are `{code: value}`, `{code: {"CODE": …, "VALUE": …}}`, a list of such objects (also REST's
`propertyValues`), and `[]`, PHP's empty array. Other keys of such an object (name, group, sort) are left out, because
they describe the property and not the order.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bitrix_bridge.payloads.amounts import read_id
from bitrix_bridge.payloads.php_values import unserialize
from bitrix_bridge.payloads.reading import Reader, Reading
from bitrix_bridge.payloads.translation import ABSENT, Fields, Translation, is_empty
from bitrix_bridge.payloads.values import read_phone

T = TypeVar("T")


@dataclass
class PropertyList:
    """The properties of an object.

    `pairs` contains the code and the raw value of each property. `broken` contains the position and the raw value of
    each element that is not a property.
    """

    pairs: list[tuple[str, Any]] = field(default_factory=list)
    broken: list[tuple[str, Any]] = field(default_factory=list)


def list_properties(raw: Any, where: str) -> PropertyList | None:
    """Return the properties, or None if the format of `raw` is unknown. `where` is their name in the payload."""
    found = PropertyList()
    if is_empty(raw) or raw is False:
        return found
    if isinstance(raw, Mapping):
        for key, value in raw.items():
            found.pairs.append(_pair(value, str(key)) or (str(key), _plain(value)))
        return found
    if not isinstance(raw, list):
        return None
    for index, element in enumerate(raw):
        pair = _pair(element, f"#{index}")
        if pair is None:
            found.broken.append((f"{where}[{index}]", element))
        else:
            found.pairs.append(pair)
    return found


class PropertyTranslation(Translation):
    """The translation of properties into columns. Any property may be a list of several values."""

    def single(self, code: str, column: str, reader: Reader[T]) -> None:
        """Read a property that should have one value. If it has several, read the first value and keep the raw list."""
        raw = self.source.take(code)
        if raw is not ABSENT:
            self.store(column, self._read_first(code, raw, reader), empty=None)

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
            self.store(column, self.interpret(code, raw, lambda sent: reader(joined(sent))))

    def phone_of(self, code: str, column: str) -> None:
        """Read a phone. If the property has several values, read the first phone."""
        raw = self.source.take(code)
        if raw is not ABSENT:
            self.phone(code, column, raw, lambda sent: read_phone(joined(sent)))

    def _read_first(self, code: str, raw: Any, reader: Reader[T]) -> Reading[T]:
        if not isinstance(raw, list):
            return self.interpret(code, raw, reader)
        values = [value for value in raw if not is_empty(value)]
        if len(values) > 1:
            self.keep(code, raw)
        return self.interpret(code, raw, lambda _: reader(values[0] if values else None))


def joined(raw: Any) -> Any:
    """Return a list of scalars as one string, such as `"a, b"`. Return any other value unchanged."""
    if not isinstance(raw, list) or any(isinstance(value, list | Mapping) for value in raw):
        return raw
    values = [value for value in raw if not is_empty(value)]
    return values[0] if len(values) == 1 else ", ".join(str(value) for value in values)


def _pair(element: Any, key: str) -> tuple[str, Any] | None:
    """Return the code and the value of a property that is sent as an object, or None if it is not a property."""
    if not isinstance(element, Mapping):
        return None
    fields = Fields(element)
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
