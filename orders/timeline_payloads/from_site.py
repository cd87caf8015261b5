"""Payloads of timeline entries that webhook events and other data from the site can cause.

Staff can also cause some of these entries.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from orders.models import EventKind, Reason
from orders.sync.snapshot import Problem
from orders.timeline_payloads.base import Payload
from orders.timeline_payloads.stored import FieldValues, Key, Text, Texts, choice, nested, rows
from orders.timeline_payloads.undo import CourierBefore, Undo

PROBLEMS, REMARKS, SITE_CHANGE, DESIRED = "problems", "remarks", "site_change", "desired"
"""JSON keys that queries use to find entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromSite(Payload):
    """The attributes of every timeline entry that data from the site can cause."""

    problems: Annotated[tuple[Problem, ...], rows(Problem.from_json, Problem.as_json), Key(PROBLEMS)] = ()
    """Fields that could not be read."""
    remarks: Annotated[Texts, Key(REMARKS)] = ()
    """Messages for staff about unusual data of the order in the copy of the site's database."""
    occasion: Annotated[Reason, choice(Reason)] = Reason.NONE
    """The reason why the order was read. The entry itself may have a different reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteHistory(FromSite):
    """The data of a change that the site has logged, with the comment of the author of the change."""

    comment: Text = ""
    site_author: Annotated[Text, Key("who")] = ""
    """The author of the change on the site."""
    site_change: Annotated[Text, Key(SITE_CHANGE)] = ""
    """The site's id of the logged change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCreated(FromSite):
    """The order was created."""

    kind: ClassVar[EventKind] = EventKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged(SiteHistory):
    """The status was changed."""

    kind: ClassVar[EventKind] = EventKind.STATUS
    undo: Annotated[Undo | None, nested(Undo)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldsChanged(SiteHistory):
    """Fields of the order were changed."""

    kind: ClassVar[EventKind] = EventKind.CHANGED
    courier: Text = ""
    """The name of the courier whose mark as notified was removed."""
    assignment: Annotated[CourierBefore | None, nested(CourierBefore)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BothChanged(FromSite):
    """Both sides have changed the same field."""

    kind: ClassVar[EventKind] = EventKind.CONFLICT
    desired: Annotated[FieldValues, Key(DESIRED)] = field(default_factory=dict)
    """Our values that the site's values have replaced."""
    site_values: Annotated[FieldValues, Key("theirs")] = field(default_factory=dict)
    """The site's values of fields in which our values are kept."""

    def field_values(self) -> Iterator[tuple[str, Any]]:
        """Yield the values that were not applied to the order."""
        yield from self.desired.items()
        yield from self.site_values.items()


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(FromSite):
    """Data from the site has changed no field of the order, but contains something that staff should see."""

    kind: ClassVar[EventKind] = EventKind.NOTED
    site_values: Annotated[FieldValues, Key("theirs")] = field(default_factory=dict)
    """The site's values of fields in which our values are kept."""
    resolved: Text = ""
    """Not empty if a conflict has ended with the site's status."""

    def field_values(self) -> Iterator[tuple[str, Any]]:
        """Yield the site's values."""
        yield from self.site_values.items()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedOnSite(Payload):
    """The site has deleted the order."""

    kind: ClassVar[EventKind] = EventKind.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedOnSite(Payload):
    """The site has put the order into its archive."""

    kind: ClassVar[EventKind] = EventKind.ARCHIVED
