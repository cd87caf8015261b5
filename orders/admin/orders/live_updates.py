"""What keeps an open order list current: one request that htmx sends every few seconds (orders/list_head.html).

The request says what the page shows. The answer is HTML of only those parts that have changed since, and empty when
none has. So a change costs a few rows and not a page, on each of the screens that show the list.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from cvety_crm.admin_site.features import GET, Feature
from orders.admin.list_query import list_queryset
from orders.admin.permissions import may_see
from orders.admin.rows.row_context import version
from orders.admin.rows.swaps import row_swaps, shown_rows
from orders.models import EventKind, Order, OrderEvent
from orders.selectors.presets import Moment, counts

FEW_NEW = 100
OVERLAP = timedelta(seconds=30)
"""A transaction may commit some seconds after the moment that it wrote down."""
OWN_PARAMETERS = ("since", "changed", "minute", "news", "row", "hidden", PAGE_VAR)


@dataclass(frozen=True, slots=True)
class ListState:
    """What an open list remembers between two requests."""

    changed: str
    """When any order was last changed."""
    minute: str
    """The minute for which the rows say how much time is left."""

    @classmethod
    def now(cls) -> "ListState":
        """Return the present state. Queries: 1."""
        return cls(last_change(), f"{timezone.localtime():%H:%M}")


@dataclass(frozen=True, slots=True)
class News:
    """Orders that came since the page was made; `here` are those that the list's own query finds."""

    new: list[str]
    here: list[str]

    @property
    def digest(self) -> str:
        """Return a short text that differs when the news differ; empty for none."""
        return sha256("/".join([*self.new, "", *self.here]).encode()).hexdigest()[:12] if self.new else ""


class LiveUpdates(Feature[Order]):
    """The URL."""

    def urls(self) -> list[URLPattern]:
        """Return it."""
        return [self.view("pulse/", self.pulse, name="pulse", methods=GET, permission=may_see)]

    def pulse(self, request: HttpRequest) -> HttpResponse:
        """Return for an open list what has changed of the rows it shows, of the counts and of the new orders.

        The URL carries the list's own query too, which tells which of the new orders belong to it. A page that is
        `hidden` gets no rows: it gets them when it is seen again.
        """
        shown = shown_rows(request.GET.getlist("row"))
        versions = _versions(shown)
        sent = ListState(request.GET.get("changed", ""), request.GET.get("minute", ""))
        state = ListState.now()
        try:
            news = self._news(request, shown)
        except IncorrectLookupParameters:
            return HttpResponseBadRequest()
        ids: list[UUID] = []
        if request.GET.get("hidden"):
            state = ListState(state.changed, sent.minute)
        elif state.minute != sent.minute:
            ids = list(shown)  # "in 10 min" is another text now, though the order is the same
        else:
            ids = [pk for pk, current in versions.items() if current != shown[pk]]
        context: dict[str, Any] = {"rows": row_swaps(request, ids), "is_swap": True}
        if state != sent:
            context["state"] = state
        if state.changed != sent.changed:
            context["counts"] = counts(Moment.of(request.user))
        if news.digest != request.GET.get("news", ""):
            context["news"] = news
        if len(context) == 2 and not ids:
            return HttpResponse(status=204)
        return HttpResponse(render_to_string("orders/list_update.html", context))

    def _news(self, request: HttpRequest, shown: Mapping[UUID, str]) -> News:
        """Return the orders that came since the page was made and are not on it. Queries: 1, with new orders 2."""
        new = created_since(_moment(request.GET.get("since"))) - shown.keys()
        here = self._belonging(request, new) if new else set()
        return News(sorted(map(str, new)), sorted(map(str, here)))

    def _belonging(self, request: HttpRequest, ids: Iterable[UUID]) -> set[UUID]:
        """Return those of the orders that the list's own query finds."""
        query = request.GET.copy()
        for name in OWN_PARAMETERS:
            query.pop(name, None)
        found = list_queryset(self.model_admin, request, query)
        return set(found.order_by().filter(pk__in=ids).values_list("pk", flat=True))


def created_since(moment: datetime) -> set[UUID]:
    """Return the orders that came or were made since then; the newest hundred of them."""
    created = OrderEvent.objects.filter(kind=EventKind.CREATED, happened_at__gt=moment)
    return set(created.order_by("-happened_at").values_list("order_id", flat=True)[:FEW_NEW])


def last_change() -> str:
    """Return when any order was last changed; the newest entry of an index."""
    last = Order.objects.aggregate(last=Max("updated_at"))["last"]
    return last.isoformat() if last else ""


def _versions(ids: Iterable[UUID]) -> dict[UUID, str]:
    found = Order.objects.filter(pk__in=ids).only("updated_at")
    return {order.pk: version(order) for order in found}


def _moment(text: str | None) -> datetime:
    try:
        found = parse_datetime(text) if text else None
    except ValueError:
        found = None
    return found if found is not None and timezone.is_aware(found) else timezone.now()
