"""The base of all payloads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from orders.models import EventKind
from orders.timeline_payloads.stored import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload(Stored):
    """The data of an entry of one kind besides its changes and its reason."""

    kind: ClassVar[EventKind]

    def field_values(self) -> Iterator[tuple[str, Any]]:
        """Yield the values of the order's fields that the payload holds, each with the field's name."""
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownPayload(Payload):
    """The payload of an unknown kind. Its data is not read."""
