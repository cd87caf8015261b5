"""Kinds that a report of the site can bring about; staff bring about some of them too."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from orders.models import EventKind, Reason
from orders.sync.snapshot import Problem
from orders.timeline_payloads.base import Payload
from orders.timeline_payloads.stored import FieldValues, Key, Text, Texts, choice, nested, rows
from orders.timeline_payloads.undo import Undo

PROBLEMS, REMARKS, SITE_CHANGE, DESIRED = "problems", "remarks", "site_change", "wish"
"""Keys by which entries are looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromSite(Payload):
    """What can be said of every report of the site."""

    problems: Annotated[tuple[Problem, ...], rows(Problem.from_json, Problem.as_json), Key(PROBLEMS)] = ()
    """Fields that could not be read."""
    remarks: Annotated[Texts, Key(REMARKS)] = ()
    """What was odd about the order in a copy of the site, as texts for staff."""
    occasion: Annotated[Reason, choice(Reason)] = Reason.NONE
    """Why the order was read, where the entry's reason says something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteHistory(FromSite):
    """What an entry of the site's own history adds, and the comment of the one who made the change."""

    comment: Text = ""
    site_author: Annotated[Text, Key("who")] = ""
    """Who made the change on the site."""
    site_change: Annotated[Text, Key(SITE_CHANGE)] = ""
    """The site's id of the entry."""


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
    """The name of the courier who does not know of the order after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BothChanged(FromSite):
    """Both sides have changed the same field."""

    kind: ClassVar[EventKind] = EventKind.CONFLICT
    desired: Annotated[FieldValues, Key(DESIRED)] = field(default_factory=dict)
    """What was wanted here, where the site's value stays."""
    site_values: Annotated[FieldValues, Key("theirs")] = field(default_factory=dict)
    """What the site has, where ours stays."""

    def field_values(self) -> Iterator[tuple[str, Any]]:
        """Yield the values that have not become the order's."""
        yield from self.desired.items()
        yield from self.site_values.items()


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(FromSite):
    """Nothing of the order has changed, but staff should know of it."""

    kind: ClassVar[EventKind] = EventKind.NOTED
    site_values: Annotated[FieldValues, Key("theirs")] = field(default_factory=dict)
    """What the site has, where ours stays."""
    resolved: Text = ""
    """Not empty: a conflict has ended with the site's status."""

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
