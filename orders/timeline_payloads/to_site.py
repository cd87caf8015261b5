"""Kinds that say what became of an order on its way to the site."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from orders.models import EventKind
from orders.sync.site_response import SiteWarning
from orders.timeline_payloads.base import Payload
from orders.timeline_payloads.stored import FieldValues, Id, Number, Text, Texts, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class SentToSite(Payload):
    """The site has taken values of ours."""

    kind: ClassVar[EventKind] = EventKind.SENT
    values: FieldValues = field(default_factory=dict)
    created: Number = None
    """The site's id of the order, where the site has created it."""
    twin: Id = None
    """An order that a webhook had made of the same one; it has been deleted."""

    def field_values(self) -> Iterator[tuple[str, Any]]:
        """Yield the values that the site has taken."""
        yield from self.values.items()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedBySite(Payload):
    """The site has not taken values of ours, or could not be reached."""

    kind: ClassVar[EventKind] = EventKind.REFUSED
    message: Text
    fields: Texts = ()
    """Names of the fields that were not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteWarned(Payload):
    """The site has taken what it was sent, and warns of something."""

    kind: ClassVar[EventKind] = EventKind.WARNED
    warnings: Annotated[tuple[SiteWarning, ...], rows(SiteWarning.from_json, SiteWarning.as_json)]
