"""The presence of users on an order's page.

An open page regularly reports that it is open. The response shows which other users have the page open, and what has
changed since the page was loaded.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, reverse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.users import staff_user
from orders.admin.permissions import may_see
from orders.models import Order, OrderEvent
from orders.services import presence


class Presence(Feature[Order]):
    """The URL to which an open page reports that it is open."""

    def urls(self) -> list[URLPattern]:
        """Return the URL of the reports."""
        return [self.view("<uuid:key>/here/", self.here, name="here", methods=POST, permission=may_see)]

    def here(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Record that the user has the page open, and return the notices for the top of the page.

        If the request contains `left`, the page was closed: delete the record. Raise `Http404` if there is no such
        order.
        """
        user = staff_user(request)
        if "left" in request.POST:
            presence.leave(key, user)
            return HttpResponse(status=204)
        now = presence.beat(key, user, since=_moment(request.POST.get("since", "")))
        if now is None:
            raise Http404
        return render(request, "orders/presence.html", {"now": now, "user": request.user})


def presence_context(order: Order, events: list[OrderEvent]) -> dict[str, Any]:
    """Return the template context with which an open page reports that it is open.

    `events` are the order's timeline entries, newest first.
    """
    return {
        "url": reverse("admin:orders_order_here", args=[order.pk]),
        # This time is stored in the database, so a change counts as seen exactly if the page shows it.
        "since": events[0].happened_at.isoformat() if events else order.created_at.isoformat(),
    }


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment is not None and is_aware(moment) else None
