"""What the report of the exchange counts, as conditions and as filters of the lists with these rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from bitrix_bridge.models import WebhookEvent

_Action = WebhookEvent.Action
NEW = (_Action.CREATED, _Action.UPDATED, _Action.STATUS_CHANGED)
"""The outcomes of events that have brought something new."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A column of the report: its name, and the condition of the rows that it counts."""

    label: str | Promise
    condition: Q


EVENTS: Mapping[str, Counted] = {
    "new": Counted(_("with something new"), Q(action__in=NEW)),
    "repeated": Counted(_("processed again"), Q(attempts__gt=1)),
    "open": Counted(_("not processed"), ~Q(state=WebhookEvent.State.PROCESSED)),
}
PUSHES: Mapping[str, Counted] = {"repeated": Counted(_("sent again"), Q(attempts__gt=1))}
PARAMETER = "counted"


class _CountedFilter(DropdownFilter):
    """A filter by what a column of the report counts."""

    title = _("what the report of the exchange counts")
    parameter_name = PARAMETER
    counted: ClassVar[Mapping[str, Counted]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str | Promise]]:
        """Return the columns of the report."""
        return [(key, one.label) for key, one in self.counted.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that the column counts."""
        chosen = self.counted.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen.condition)


class CountedEventsFilter(_CountedFilter):
    """The filter of events."""

    counted = EVENTS


class CountedPushesFilter(_CountedFilter):
    """The filter of pushes."""

    counted = PUSHES
