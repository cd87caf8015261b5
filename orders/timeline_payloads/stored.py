"""The base of dataclasses with a JSON form. The annotation of an attribute defines how the attribute is converted.

Reading never raises an exception: a missing or malformed value counts as empty, and an unknown key is ignored. So rows
of older and newer versions can be read. Empty values are not written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any, Self, get_type_hints
from uuid import UUID

from django.db.models import TextChoices


@dataclass(frozen=True, slots=True)
class Codec:
    """The functions that convert a value from JSON (None if the value is missing) and to JSON."""

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Key:
    """The key in JSON, if it differs from the attribute's name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A dataclass in which each annotation has a `Codec`, and a `Key` if the key differs from the attribute's name."""

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Return an instance with the values of a JSON object. A missing or malformed value counts as empty."""
        known = data if isinstance(data, Mapping) else {}
        return cls(**{name: codec.read(known.get(key)) for name, key, codec in _layout(cls)})

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of the values that are not empty."""
        values = ((key, codec, getattr(self, name)) for name, key, codec in _layout(type(self)))
        return {key: codec.write(value) for key, codec, value in values if value}


_LAYOUTS: dict[type["Stored"], list[tuple[str, str, Codec]]] = {}


def _layout(cls: type[Stored]) -> list[tuple[str, str, Codec]]:
    """Return the attributes with their keys and codecs, which are read from the annotations once."""
    if cls not in _LAYOUTS:
        hints = get_type_hints(cls, include_extras=True)
        _LAYOUTS[cls] = [(one.name, *_key_and_codec(one.name, hints[one.name].__metadata__)) for one in fields(cls)]
    return _LAYOUTS[cls]


def _key_and_codec(name: str, metadata: tuple[Any, ...]) -> tuple[str, Codec]:
    keys = [one.name for one in metadata if isinstance(one, Key)]
    (codec,) = (one for one in metadata if isinstance(one, Codec))
    return keys[0] if keys else name, codec


def nested(cls: type[Stored]) -> Codec:
    """Return the codec of a nested object. A missing object is read as None."""
    return Codec(lambda raw: cls.from_json(raw) if isinstance(raw, Mapping) else None, lambda value: value.to_json())


def choice(choices: type[TextChoices]) -> Codec:
    """Return the codec of one of these choices. An unknown value is read as the empty choice."""
    return Codec(lambda raw: choices(raw if raw in choices.values else ""), str)


def rows(read: Callable[[Mapping[str, Any]], Any], write: Callable[[Any], Any]) -> Codec:
    """Return the codec of a tuple of objects. `read` and `write` convert one object."""
    return Codec(
        lambda raw: tuple(read(one) for one in _listed(raw) if isinstance(one, Mapping)),
        lambda values: [write(one) for one in values],
    )


def _listed(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []


def _parsed(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        try:
            return parse(str(raw)) if raw else None
        except ValueError:
            return None

    return read


Text = Annotated[str, Codec(lambda raw: str(raw) if raw else "", str)]
Texts = Annotated[tuple[str, ...], Codec(lambda raw: tuple(str(one) for one in _listed(raw)), list)]
Flag = Annotated[bool, Codec(bool, bool)]
Number = Annotated[int | None, Codec(_parsed(int), int)]
Moment = Annotated[datetime | None, Codec(_parsed(datetime.fromisoformat), datetime.isoformat)]
Id = Annotated[UUID | None, Codec(_parsed(UUID), str)]
FieldValues = Annotated[Mapping[str, Any], Codec(lambda raw: raw if isinstance(raw, Mapping) else {}, dict)]
"""Values of fields of the order in comparable form. The keys are names from `orders.sync.fields`."""
