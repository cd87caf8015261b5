"""The texts of a report's page: values, periods and comparisons."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext

from cvety_crm.formatting import precise_duration
from orders.presentation.formatting import NBSP, full_day, money, number, percent
from orders.reports.period import Period
from orders.reports.tables import Kind

SAME = 0.5
"""A difference below this value, in per cent, is shown as no difference."""


def value_text(kind: Kind, value: Any) -> str:
    """Return a value of a table, or a dash if it is not known."""
    if value is None:
        return "—"
    if kind == Kind.MONEY:
        return money(Decimal(value).quantize(Decimal(1)))
    if kind == Kind.SHARE:
        return f"{number(Decimal(round(100 * float(value), 1)), places=1)}{NBSP}%"
    if kind == Kind.DURATION:
        length = value if isinstance(value, timedelta) else timedelta(0)
        if timedelta(0) < length < timedelta(minutes=1):
            return gettext("%(seconds)s s") % {"seconds": max(round(length.total_seconds()), 1)}
        return precise_duration(length)
    return number(Decimal(value))


def period_text(period: Period) -> str:
    """Return the days of a period, such as `01.11.2026 – 30.11.2026`."""
    if period.first == period.last:
        return full_day(period.first)
    return f"{full_day(period.first)} – {full_day(period.last)}"


def comparison_text(kind: Kind, value: Any, earlier: Any) -> str:
    """Return the difference to an earlier value, such as `+12 %`."""
    if earlier is None or value is None:
        return gettext("nothing to compare with")
    if kind == Kind.SHARE:
        points = round(100 * (float(value) - float(earlier)), 1)
        sign = "+" if points > 0 else "−" if points < 0 else ""
        return gettext("%(points)s points") % {"points": f"{sign}{number(Decimal(abs(points)), places=1)}"}
    now, then = _plain(value), _plain(earlier)
    if not then:
        return gettext("nothing to compare with") if now else gettext("no difference")
    difference = 100 * (now / then - 1)
    if abs(difference) < SAME:
        return gettext("no difference")
    sign = "+" if difference > 0 else "−"
    return f"{sign}{percent(abs(round(difference)))}"


def _plain(value: Any) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)
