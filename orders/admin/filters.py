"""Filters of the order list."""

from datetime import date, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from orders.models import Order, Stage


class NearDayFilter(DropdownFilter):
    """The days that are asked for most, without typing."""

    title = _("day")
    parameter_name = "day"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices."""
        return [
            ("today", _("today")),
            ("tomorrow", _("tomorrow")),
            ("yesterday", _("yesterday")),
            ("none", _("no date")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Return the orders of that day."""
        today = timezone.localdate()
        days: dict[str, date | None] = {
            "today": today,
            "tomorrow": today + timedelta(days=1),
            "yesterday": today - timedelta(days=1),
        }
        if self.value() == "none":
            return queryset.filter(delivery_date=None)
        if self.value() in days:
            return queryset.filter(delivery_date=days[str(self.value())])
        return queryset


class StageFilter(DropdownFilter):
    """Orders by the stage of their status."""

    title = _("stage")
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the stages."""
        return list(Stage.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Return the orders in that stage."""
        return queryset.filter(status__stage=self.value()) if self.value() in Stage.values else queryset


class TroubleFilter(DropdownFilter):
    """Orders that a person has to look at."""

    title = _("trouble")
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the kinds of trouble."""
        return [
            ("stub", _("not complete yet")),
            ("status", _("unknown status")),
            ("deleted", _("deleted on the site")),
            ("cancelled", _("cancelled on the site")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Return the orders with that trouble."""
        conditions = {
            "stub": Q(is_stub=True),
            "status": Q(status__needs_attention=True),
            "deleted": Q(is_deleted_on_site=True),
            "cancelled": Q(is_cancelled=True),
        }
        value = self.value()
        return queryset.filter(conditions[value]) if value in conditions else queryset
