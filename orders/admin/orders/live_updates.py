"""What keeps an open order list current: two requests that its script sends (static/cvety_crm/order_list.js).

`pulse`, every few seconds: which of the rows on the page have changed, and which orders came since. `rows`: what the
cells of those rows say now. So a change costs a few rows and not a page, on each of the screens that show the list.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import ngettext

from cvety_crm.admin_site.features import GET, Feature
from orders.admin.list_query import list_queryset
from orders.admin.orders.columns import COLUMNS
from orders.admin.orders.row_context import set_row_context, version, with_row_details
from orders.admin.permissions import may_change_status, may_see
from orders.models import EventKind, Order, OrderEvent, Status
from orders.selectors.presets import Moment, counts

MOST_KEYS = 100
"""Rows of an open page that are asked about at once."""
FEW_NEW = 100
OVERLAP = timedelta(seconds=30)
"""A transaction may commit some seconds after the moment that it wrote down."""
OWN_PARAMETERS = ("since", "seen", "known", PAGE_VAR)


class LiveUpdates(Feature[Order]):
    """The two URLs."""

    def urls(self) -> list[URLPattern]:
        """Return them."""
        return [
            self.view("pulse/", self.pulse, name="pulse", methods=GET, permission=may_see),
            self.view("rows/", self.live_rows, name="rows", methods=GET, permission=may_see),
        ]

    def pulse(self, request: HttpRequest) -> HttpResponse:
        """Return for an open list: versions of the rows it shows (`known`), orders that came since the page was made
        (`since`), and the counts of the presets when any order has changed (`seen`).

        Its address carries the list's own query too, which tells which of the new orders belong to it.
        """
        known = read_keys(request.GET.get("known"))
        changed = last_change()
        answer: dict[str, Any] = {"changed": changed, "versions": _versions(known)}
        if changed != request.GET.get("seen"):
            answer["counts"] = counts(Moment.of(request.user))
        new = created_since(_moment(request.GET.get("since"))) - known
        try:
            here = self._belonging(request, new) if new else set()
        except IncorrectLookupParameters:
            return HttpResponseBadRequest()
        words = ngettext("%(count)s new order", "%(count)s new orders", len(new)) % {"count": len(new)}
        return JsonResponse(answer | {"new": sorted(map(str, new)), "here": sorted(map(str, here)), "words": words})

    def live_rows(self, request: HttpRequest) -> HttpResponse:
        """Return the cells of some rows as HTML, by order and column; with `messages`, what there is to say too."""
        queryset = self.model_admin.get_queryset(request).filter(pk__in=read_keys(request.GET.get("keys")))
        orders = list(with_row_details(queryset))
        statuses = {status.code: status for status in Status.objects.all()}
        set_row_context(orders, request, statuses, may_move=may_change_status(request))
        rows = {str(order.pk): {column.__name__: column(order) for column in COLUMNS} for order in orders}
        answer: dict[str, Any] = {"rows": rows, "versions": {str(order.pk): version(order) for order in orders}}
        if "messages" in request.GET:
            answer["messages"] = render_to_string("unfold/helpers/messages.html", request=request)
            answer["now"] = timezone.now().timestamp()
        return JsonResponse(answer)

    def _belonging(self, request: HttpRequest, keys: Iterable[UUID]) -> set[UUID]:
        """Return those of the orders that the list's own query finds."""
        query = request.GET.copy()
        for name in OWN_PARAMETERS:
            query.pop(name, None)
        found = list_queryset(self.model_admin, request, query)
        return set(found.order_by().filter(pk__in=keys).values_list("pk", flat=True))


def read_keys(text: str | None) -> set[UUID]:
    """Return the keys of an address; what is none is left out."""
    found = set()
    for part in (text or "").split(",")[:MOST_KEYS]:
        try:
            found.add(UUID(part))
        except ValueError:
            continue
    return found


def created_since(moment: datetime) -> set[UUID]:
    """Return the orders that came or were made since then; the newest hundred of them."""
    created = OrderEvent.objects.filter(kind=EventKind.CREATED, happened_at__gt=moment)
    return set(created.order_by("-happened_at").values_list("order_id", flat=True)[:FEW_NEW])


def last_change() -> str:
    """Return when any order was last changed; the newest entry of an index."""
    last = Order.objects.aggregate(last=Max("updated_at"))["last"]
    return last.isoformat() if last else ""


def _versions(keys: Iterable[UUID]) -> dict[str, str]:
    found = Order.objects.filter(pk__in=keys).only("updated_at")
    return {str(order.pk): version(order) for order in found}


def _moment(text: str | None) -> datetime:
    try:
        found = parse_datetime(text) if text else None
    except ValueError:
        found = None
    return found if found is not None and timezone.is_aware(found) else timezone.now()
