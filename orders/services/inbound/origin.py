"""The origin of a snapshot, which the timeline entry and the check of freshness need."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from cvety_crm.users import User
from orders.models import Reason, Source
from orders.sync.freshness import Arrival
from orders.sync.snapshot import FreshRead, HistoryRead


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The arguments of `apply_snapshot` that are not about the order itself."""

    source: Source
    webhook_event_id: UUID | None = None
    push_id: UUID | None = None
    received_at: datetime | None = None
    actor: User | None = None
    reason: Reason = Reason.NONE
    fresh: FreshRead | None = None
    history: HistoryRead | None = None
    is_repetition: bool = False
    can_fetch: bool = True
    happened_at: datetime = field(default_factory=timezone.now)

    @property
    def is_copied(self) -> bool:
        """Return whether the snapshot was read from a copy of the site's database."""
        return self.history is not None

    def without_remarks(self) -> "Origin":
        """Return the origin without the remarks of an import, which may quote what people have entered."""
        return replace(self, history=replace(self.history, remarks=())) if self.history is not None else self

    @property
    def arrival(self) -> Arrival:
        """Return the data of the origin from which the freshness of the snapshot is decided."""
        return Arrival(
            at=self.happened_at,
            received_at=self.received_at,
            fresh=self.fresh,
            is_copied=self.is_copied,
            is_repetition=self.is_repetition,
            can_fetch=self.can_fetch,
        )

    @property
    def settled_at(self) -> datetime:
        """Return when the order got its status: the time in the copy of the site's database, or else `happened_at`."""
        return (self.history.settled_at if self.history is not None else None) or self.happened_at
