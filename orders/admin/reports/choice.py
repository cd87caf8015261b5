"""The period and the filters of a report, as a user has chosen them in the URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext

from orders.models import City, Shop, Source, Status
from orders.reports.dimensions import LARGEST_KEY
from orders.reports.period import EARLIEST, LATEST, MOST_DAYS, Period, Span, period_of
from orders.reports.scope import Basis, Scope

TABLE = "by"
"""The parameter with the table of a report."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen. `error` says which dates can't be read."""

    scope: Scope
    typed: Mapping[str, str]
    """The parameters of the URL without those of the period."""
    error: str = ""

    def url(self, **changed: str) -> str:
        """Return the query string with some parameters changed."""
        span: dict[str, str] = {"span": self.scope.span.value}
        if self.scope.span == Span.DATES:
            span |= _dates(self.scope.period)
        return "?" + urlencode({**span, **self.typed, **changed})

    def span_url(self, span: Span) -> str:
        """Return the query string for another period. Any dates are the present ones."""
        dates = _dates(self.scope.period) if span == Span.DATES else {}
        return "?" + urlencode({"span": span.value, **dates, **self.typed})


def chosen(query: QueryDict, today: date | None = None) -> Choice:
    """Return what the user has chosen, by default this month by delivery date."""
    today = today or timezone.localdate()
    span = Span(_text(query, "span")) if _text(query, "span") in Span.values else Span.MONTH
    period, error = period_of(span, today), ""
    if query.get("from") or query.get("to"):
        dates, error = _typed_dates(query, period)
        if dates != period:
            span, period = Span.DATES, dates
    basis = Basis(_text(query, "basis")) if _text(query, "basis") in Basis.values else Basis.DELIVERY
    filters = {name: value for name in _READERS if (value := _READERS[name](query.get(name, ""))) is not None}
    typed = {"basis": basis.value, **{name: str(value) for name, value in filters.items()}}
    if table := _text(query, TABLE):
        typed[TABLE] = table
    return Choice(Scope(span, period, basis, filters), typed, error)


def choices_of_filters() -> list[dict[str, Any]]:
    """Return the filters with their choices."""
    shops = Shop.objects.filter(is_active=True).values_list("bitrix_id", "name")
    cities = City.objects.filter(is_active=True).values_list("bitrix_id", "name")
    statuses = Status.objects.values_list("code", "name")
    return [
        {"name": name, "label": label, "choices": [(str(key), text) for key, text in rows]}
        for name, label, rows in (
            ("shop", gettext("Shop"), shops),
            ("city", gettext("City"), cities),
            ("source", gettext("Source"), Source.choices),
            ("status", gettext("Status"), statuses),
        )
    ]


def _dates(period: Period) -> dict[str, str]:
    return {"from": period.first.isoformat(), "to": period.last.isoformat()}


def _typed_dates(query: QueryDict, default: Period) -> tuple[Period, str]:
    first, last = (_day(query.get(name, "")) for name in ("from", "to"))
    if first is None and last is None:
        return default, gettext("Enter the dates, such as 25.08.2025.")
    first, last = first or last or default.first, last or first or default.last
    if first > last:
        first, last = last, first
    if (last - first).days >= MOST_DAYS:
        return Period(last - timedelta(days=MOST_DAYS - 1), last), gettext("A report has at most five years.")
    return Period(first, last), ""


def _text(query: QueryDict, name: str) -> str:
    return str(query.get(name, ""))


def _day(text: str) -> date | None:
    try:
        found = parse_date(text)
    except ValueError:
        return None
    return found if found is not None and EARLIEST <= found <= LATEST else None


def _number(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None
    return number if number is not None and number <= LARGEST_KEY else None


def _source(text: str) -> str | None:
    return text if text in Source.values else None


def _status(text: str) -> str | None:
    return text if text and len(text) <= 50 and "\x00" not in text else None


_READERS: Mapping[str, Any] = {"shop": _number, "city": _number, "source": _source, "status": _status}
