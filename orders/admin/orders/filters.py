"""The filters of the order list."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter
from unfold.utils import parse_date_str

from cvety_crm.users import User, display_name
from orders.models import Order, Stage
from orders.reports.dimensions import ROW_PARAMETER, chosen_row
from orders.reports.populations import POPULATIONS
from orders.selectors.presets import DAY_PARAMETER

FILTERS_URL = "orders_order_filters"
LONGEST_KEY = 10  # digits


RECENT = timedelta(days=31)
_DAYS = (DAY_PARAMETER, "delivery_date_on", "delivery_date_from")
"""The parameters of the list with the first day of the orders."""


def is_filter_dialog(request: HttpRequest) -> bool:
    """Return whether the request is for the dialog that offers the choices of the filters."""
    return request.resolver_match is not None and request.resolver_match.url_name == FILTERS_URL


def _of_recent_orders(request: HttpRequest, column: str) -> Q:
    """Return the condition that a row belongs to an order in sight: of the last month, or since the day of the list.

    Only the dialog offers the choices, so the list itself does not pay for the condition.
    """
    if not is_filter_dialog(request):
        return Q()
    typed = (parse_date_str(request.GET.get(name, "").strip()) for name in _DAYS)
    since = min([timezone.localdate() - RECENT, *(day for day in typed if day is not None)])
    orders = Order.objects.filter(delivery_date__gte=since).exclude(**{column: None}).order_by()
    return Q(pk__in=orders.values(column))


class FloristFilter(DropdownFilter):
    """A filter by the responsible florist. The choices are those of recent orders, and the chosen one."""

    title = _("responsible")
    parameter_name = "florist"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the members of staff, sorted by name."""
        offered = Q(is_staff=True, is_active=True) & _of_recent_orders(request, "responsible")
        chosen = request.GET.get(self.parameter_name, "")
        if chosen.isdecimal() and len(chosen) < LONGEST_KEY:
            offered |= Q(pk=int(chosen))
        staff = User.objects.filter(offered).order_by("first_name", "username")
        return [(str(user.pk), display_name(user)) for user in staff]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Return the orders of the chosen florist, or all orders if no florist is chosen."""
        value = self.value()
        return queryset.filter(responsible=int(value)) if value and value.isdecimal() else queryset


class ActiveRowsFilter(RelatedDropdownFilter):
    """A filter by a row of reference data. The choices are the active rows and the chosen row."""

    def offered(self, request: HttpRequest) -> Q:
        """Return the condition of the rows that are offered besides the chosen one."""
        return Q(is_active=True)

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """Return the choices, sorted as in their own list."""
        ordering = self.field_admin_ordering(field, request, model_admin)
        offered = self.offered(request)
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


class CourierFilter(ActiveRowsFilter):
    """A filter by the courier. The choices are those of recent orders, and the chosen one.

    A courier who has left would otherwise stay in the list for ever.
    """

    def offered(self, request: HttpRequest) -> Q:
        """Return the condition of the couriers that are offered besides the chosen one."""
        return super().offered(request) & _of_recent_orders(request, "courier")


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


class CountedFilter(DropdownFilter):
    """A filter for the orders that reports count, such as those that are not cancelled."""

    title = _("counted in reports")
    parameter_name = "counted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the sets of orders that reports count."""
        return [(population.key, population.label) for population in POPULATIONS.values()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Return the orders of the chosen set, or all orders if no set is chosen."""
        population = POPULATIONS.get(self.value() or "")
        return queryset if population is None else queryset.filter(population.condition(""))


class ReportRowFilter(DropdownFilter):
    """A filter for the orders of one row of a report, from which a link leads to the list."""

    title = _("row of a report")
    parameter_name = ROW_PARAMETER

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the chosen row. Without one, the dialog does not show the filter."""
        text = request.GET.get(self.parameter_name, "")
        row = chosen_row(text)
        return [] if row is None else [(text, row.label)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Return the orders of the row, or all orders if no row is chosen."""
        row = chosen_row(self.value() or "")
        return queryset if row is None else row.orders(queryset)
