"""The orders that a report is about: their period, by which date, and the filters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.reports.period import Period, Span, period_before, year_before


class Basis(models.TextChoices):
    """The date by which an order belongs to a period."""

    DELIVERY = "delivery", _("by delivery date")
    ORDER = "order", _("by order date")


FILTERS = {"shop": "shop__bitrix_id__exact", "city": "city__bitrix_id__exact", "source": "source__exact",
           "status": "status__code__exact"}  # fmt: skip
"""The filters of a report, with their parameters of the order list."""
_PERIODS = {Basis.DELIVERY: "delivery_date", Basis.ORDER: "created_at"}


@dataclass(frozen=True, slots=True)
class Scope:
    """The orders of a period that match the filters."""

    span: Span
    period: Period
    basis: Basis
    filters: Mapping[str, Any] = field(default_factory=dict)
    """The chosen values by the names of `FILTERS`."""

    @property
    def before(self) -> Period:
        """Return the period before."""
        return period_before(self.span, self.period)

    @property
    def year_before(self) -> Period:
        """Return the same days a year before."""
        return year_before(self.period)

    def condition(self, period: Period, prefix: str = "") -> Q:
        """Return the condition of the orders of a period. `prefix` is the path to the order."""
        return within(self.basis, period, prefix) & self.filtered(prefix)

    def filtered(self, prefix: str = "") -> Q:
        """Return the condition of the filters."""
        return Q(**{f"{prefix}{name}": value for name, value in self.filters.items()})

    def list_parameters(self, period: Period) -> dict[str, str]:
        """Return the parameters of the order list with these orders."""
        days = {"from": period.first, "to": period.last}
        return {
            "preset": "all",
            **{f"{_PERIODS[self.basis]}_{end}": f"{day:%d.%m.%Y}" for end, day in days.items()},
            **{FILTERS[name]: str(value) for name, value in self.filters.items()},
        }


def within(basis: Basis, period: Period, prefix: str = "") -> Q:
    """Return the condition of the orders of a period."""
    if basis == Basis.DELIVERY:
        return Q(**{f"{prefix}delivery_date__range": (period.first, period.last)})
    start, end = period.moments
    return Q(**{f"{prefix}created_at__gte": start, f"{prefix}created_at__lt": end})
