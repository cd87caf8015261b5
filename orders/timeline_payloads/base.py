"""The base class of all payloads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from orders.models import EventKind
from orders.timeline_payloads.stored import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload(Stored):
    """The data of a timeline entry of one kind, apart from its changes and its reason."""

    kind: ClassVar[EventKind]

    def field_values(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and the value of each field of the order that the payload contains."""
        return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownPayload(Payload):
    """The payload of an entry of an unknown kind. Its data is not read."""
