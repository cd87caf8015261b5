"""Payloads of timeline entries about pushes to the site."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from orders.models import EventKind
from orders.sync.site_response import SiteWarning
from orders.timeline_payloads.base import Payload
from orders.timeline_payloads.stored import FieldValues, Id, Number, Text, Texts, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class SentToSite(Payload):
    """The site has accepted values that the CRM sent."""

    kind: ClassVar[EventKind] = EventKind.SENT
    values: FieldValues = field(default_factory=dict)
    created: Number = None
    """The site's id of the order, if the site has created the order."""
    twin: Id = None
    """The id of the duplicate that a webhook event had created for the same order. The duplicate was deleted."""

    def field_values(self) -> Iterator[tuple[str, Any]]:
        """Yield the values that the site has accepted."""
        yield from self.values.items()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedBySite(Payload):
    """The site has refused values that the CRM sent, or could not be reached, or staff have stopped the push."""

    kind: ClassVar[EventKind] = EventKind.REFUSED
    message: Text
    fields: Texts = ()
    """Names of the fields that were not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteWarned(Payload):
    """The site has accepted the values with a warning."""

    kind: ClassVar[EventKind] = EventKind.WARNED
    warnings: Annotated[tuple[SiteWarning, ...], rows(SiteWarning.from_json, SiteWarning.as_json)]
