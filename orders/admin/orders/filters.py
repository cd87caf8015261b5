"""The filters of the order list."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter

from cvety_crm.users import User, display_name
from orders.models import Order, Stage


class FloristFilter(DropdownFilter):
    """A filter by the responsible florist. The choices are the active members of staff."""

    title = _("responsible")
    parameter_name = "florist"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the active members of staff, sorted by name."""
        staff = User.objects.filter(is_staff=True, is_active=True).order_by("first_name", "username")
        return [(str(user.pk), display_name(user)) for user in staff]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Return the orders of the chosen florist, or all orders if no florist is chosen."""
        value = self.value()
        return queryset.filter(responsible=int(value)) if value and value.isdecimal() else queryset


class ActiveRowsFilter(RelatedDropdownFilter):
    """A filter by a row of reference data or a courier. The choices are the active rows and the chosen row.

    A courier who has left would otherwise stay in the list for ever.
    """

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """Return the choices, sorted as in their own list."""
        ordering = self.field_admin_ordering(field, request, model_admin)
        offered = Q(is_active=True)
        if chosen := self._chosen_key(field):
            offered |= Q(**chosen)
        choices: list[tuple[Any, str]] = field.get_choices(
            include_blank=False, ordering=ordering, limit_choices_to=offered
        )
        return choices

    def _chosen_key(self, field: Any) -> dict[str, Any]:
        key = field.target_field
        try:
            return {key.name: key.to_python(self.lookup_val[-1])} if self.lookup_val else {}
        except (ValidationError, TypeError, ValueError):
            return {}


class StageFilter(DropdownFilter):
    """A filter by the stage of the status."""

    title = _("stage")
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the stages."""
        return list(Stage.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Return the orders in the chosen stage, or all orders if no stage is chosen."""
        return queryset.filter(status__stage=self.value()) if self.value() in Stage.values else queryset


class ProblemFilter(DropdownFilter):
    """A filter for orders that need the attention of staff."""

    title = _("problems")
    parameter_name = "problem"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the reasons why an order needs attention."""
        return [
            ("stub", _("not complete yet")),
            ("status", _("unknown status")),
            ("deleted", _("deleted on the site")),
            ("archived", _("in the site's archive")),
            ("cancelled", _("cancelled on the site")),
            ("undated", _("no date")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Return the orders that need attention for the chosen reason, or all orders if no reason is chosen."""
        conditions = {
            "stub": Q(is_stub=True),
            "status": Q(status__needs_attention=True),
            "deleted": Q(is_deleted_on_site=True),
            "archived": Q(is_archived_on_site=True),
            "cancelled": Q(is_cancelled=True),
            "undated": Q(delivery_date=None),
        }
        value = self.value()
        return queryset.filter(conditions[value]) if value in conditions else queryset
