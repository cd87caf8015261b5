"""The live updates of an open order list: one request that htmx sends every few seconds (orders/list_head.html).

The request contains the state of the page. The response contains the HTML of the elements that have changed since then.
It is empty if no element has changed. Therefore each screen with the list loads a few rows after a change, not a whole
page.
"""

import json
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
from orders.admin.orders.view_counts import view_counts
from orders.admin.permissions import may_see
from orders.admin.rows.row_context import version
from orders.admin.rows.swaps import row_swaps, shown_rows
from orders.models import EventKind, Order, OrderEvent, Stage
from orders.selectors.counts import of_list
from orders.selectors.presets import Moment

FEW_NEW = 100
OVERLAP = timedelta(seconds=30)
"""The overlap of two searches for new orders. A transaction may be committed some seconds after the time that it
stored."""
OWN_PARAMETERS = ("since", "changed", "minute", "news", "row", "hidden", "ringing", PAGE_VAR)


@dataclass(frozen=True, slots=True)
class ListState:
    """The state of the order list that an open page sends with its next request."""

    changed: str
    """The time of the latest change of any order, in ISO 8601 format."""
    minute: str
    """The local time (HH:MM) for which the rows show the remaining time."""

    @classmethod
    def now(cls) -> "ListState":
        """Return the current state. Make one query."""
        return cls(last_change(), f"{timezone.localtime():%H:%M}")


@dataclass(frozen=True, slots=True)
class News:
    """The primary keys of the orders that were created since the page was loaded.

    `here` contains only the orders that the list's own query finds.
    """

    new: list[str]
    here: list[str]

    @property
    def digest(self) -> str:
        """Return a short hash of the primary keys, or an empty string if there are no new orders."""
        return sha256("/".join([*self.new, "", *self.here]).encode()).hexdigest()[:12] if self.new else ""


class LiveUpdates(Feature[Order]):
    """The URL to which an open list sends its requests."""

    def urls(self) -> list[URLPattern]:
        """Return the URL of the requests."""
        return [self.view("pulse/", self.pulse, name="pulse", methods=GET, permission=may_see)]

    def pulse(self, request: HttpRequest) -> HttpResponse:
        """Return the changes of the shown rows, of the counts and of the new orders, for an open list.

        The URL also contains the list's own query, which selects the new orders that belong to the list. `hidden` means
        that the page is not visible. Such a page receives the changed rows when it becomes visible again.
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
            ids = list(shown)  # the text "in 10 min" must change although the order has not changed
        else:
            ids = [pk for pk, current in versions.items() if current != shown[pk]]
        context: dict[str, Any] = {"rows": row_swaps(request, ids), "is_swap": True}
        if state != sent:
            context["state"] = state
        if state.changed != sent.changed:
            context["counts"] = of_list(Moment.of(request.user), state.changed)
        if state.minute != sent.minute and (found := view_counts(self.model_admin, request)):
            context["view_counts"] = found
        if news.digest != request.GET.get("news", ""):
            context["news"] = news
        headers = _still_new(request.GET.get("ringing", ""))
        if len(context) == 2 and not ids:
            return HttpResponse(status=204, headers=headers)
        return HttpResponse(render_to_string("orders/list/update.html", context), headers=headers)

    def _news(self, request: HttpRequest, shown: Mapping[UUID, str]) -> News:
        """Return the orders that were created since the page was loaded and that the page does not show.

        Make one query if there are no new orders.
        """
        new = created_since(_moment(request.GET.get("since"))) - shown.keys()
        here = self._belonging(request, new) if new else set()
        return News(sorted(map(str, new)), sorted(map(str, here)))

    def _belonging(self, request: HttpRequest, ids: Iterable[UUID]) -> set[UUID]:
        """Return the primary keys of the orders that the list's own query finds."""
        query = request.GET.copy()
        for name in OWN_PARAMETERS:
            query.pop(name, None)
        found = list_queryset(self.model_admin, request, query)
        return set(found.order_by().filter(pk__in=ids).values_list("pk", flat=True))


def created_since(moment: datetime) -> set[UUID]:
    """Return the primary keys of the orders created after this time, but at most the newest `FEW_NEW`."""
    created = OrderEvent.objects.filter(kind=EventKind.CREATED, happened_at__gt=moment)
    return set(created.order_by("-happened_at").values_list("order_id", flat=True)[:FEW_NEW])


def last_change() -> str:
    """Return the time of the latest change of any order, in ISO 8601 format. The query uses an index."""
    last = Order.objects.aggregate(last=Max("updated_at"))["last"]
    return last.isoformat() if last else ""


def _still_new(ringing: str) -> dict[str, str]:
    """Return the header by which htmx tells the page which of the orders that it rings for are still new.

    `ringing` contains primary keys, separated by commas. Without one, make no query and return no header.
    """
    if not ringing:
        return {}
    keys = [key for text in ringing.split(",")[:FEW_NEW] if (key := _key(text)) is not None]
    orders = Order.objects.filter(pk__in=keys, status__stage=Stage.NEW, is_cancelled=False, is_deleted_on_site=False)
    still = sorted(map(str, orders.values_list("pk", flat=True)))
    return {"HX-Trigger": json.dumps({"crm:still-new": {"keys": still}})}


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _versions(ids: Iterable[UUID]) -> dict[UUID, str]:
    found = Order.objects.filter(pk__in=ids).only("updated_at")
    return {order.pk: version(order) for order in found}


def _moment(text: str | None) -> datetime:
    try:
        found = parse_datetime(text) if text else None
    except ValueError:
        found = None
    return found if found is not None and timezone.is_aware(found) else timezone.now()
